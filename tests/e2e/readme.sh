#!/bin/bash
# profile: release
# Every command of the README's sh blocks, run as written and in order, in a private home. targets.txt, owners.yaml and capture.pcap are the only files given, and where the private CA lies;
# browse runs in a terminal of its own, a watch of an interface on lo, until it has seen a handshake. The make commands are run by `make check` itself and by `make check-fresh`.
. "$(dirname "$0")/common.sh"
export CERTMUSTER_HOME=$dir/home
mkdir "$dir/work" && cd "$dir/work"
start fleet "$CM_FLEET" serve --dir "$dir/fleet"
wait_for 60 grep -q '^ready ' "$dir/fleet.log"
port=$(awk '/^ready / { print $2 }' "$dir/fleet.log")
printf '# the sample fleet\n127.80.0.1:%s\n127.80.0.2:%s\n' "$port" "$port" >targets.txt
cp "$CM_TOP/contrib/quickstart/owners.yaml" owners.yaml
printf '\324\303\262\241\002\0\004\0\0\0\0\0\0\0\0\0\0\0\004\0\001\0\0\0' >capture.pcap # a header without packets

mkdir "$CERTMUSTER_HOME"
echo "ca: {dir: $dir/etc/ca}" >"$CERTMUSTER_HOME/certmuster.yaml" # root's would be /etc/certmuster/ca
sed -n '/^```sh$/,/^```$/p' "$CM_TOP/README.md" | grep -v '^```' | sed 's/ *# .*//' | grep . >"$dir/commands"
[ "$(wc -l <"$dir/commands")" -ge 8 ] || fail "the README's sh block was not found"
inventory=1 # so that the end of this test stops it, whatever happens
while read -r command <&3; do
    note "$command"
    case $command in
    "certmuster browse"*)
        tmux -f /dev/null -S "$dir/tmux" new-session -d -x 80 -y 24 "$command; echo exit \$? >$dir/browse.exit; sleep 30"
        wait_for 20 sh -c "tmux -S '$dir/tmux' capture-pane -p | grep -q fleet.example"
        tmux -S "$dir/tmux" send-keys q
        wait_for 10 grep -q 'exit 0' "$dir/browse.exit"
        tmux -S "$dir/tmux" kill-server || true
        ;;
    "certmuster watch -i"*) # the only one that has no end
        [ "$(id -u)" -eq 0 ] || { echo "    (needs root)"; continue; }
        start watch certmuster watch -i lo
        wait_for 20 grep -q 'Seccomp:.2' "/proc/$started/status"
        openssl s_client -connect "127.80.0.1:$port" -tls1_2 </dev/null >/dev/null 2>&1 || true
        wait_for 20 grep -q "127.80.0.1:$port" "$dir/watch.log"
        kill -INT "$started"
        status=0; wait "$started" || status=$?
        assert_eq "watch" 130 "$status"
        ;;
    "certmuster crawl"*) # files that this user may not read are told, and status 1 says so
        bash -c "$command" >"$dir/command.log" 2>&1 || [ $? -eq 1 ] || { cat "$dir/command.log"; fail "$command"; } ;;
    *) bash -c "$command" >"$dir/command.log" 2>&1 || { cat "$dir/command.log"; fail "$command"; } ;;
    esac
done 3<"$dir/commands"
(cd evidence && sha256sum --quiet -c MANIFEST.sha256) || fail "the evidence does not check"
