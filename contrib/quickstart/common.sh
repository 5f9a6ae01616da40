# Sourced by start and stop: where quickstart keeps what it starts, and how it finds its own processes again.
set -eu
bin=$(cd "$1" && pwd)
top=$(cd "$(dirname "$0")/../.." && pwd)
if [ -n "${CERTMUSTER_HOME:-}" ]; then home=$CERTMUSTER_HOME
elif [ "$(id -u)" -eq 0 ]; then home=/var/lib/certmuster
else home=${XDG_DATA_HOME:-$HOME/.local/share}/certmuster
fi
state=$(dirname "$bin")/quickstart
fleet=$bin/tests/fleet/certmuster-fleet
fleet_dir=$state/fleet
fleet_pid=$state/fleet.pid
PATH=$bin:$PATH

# True when the process in the pid file is the fleet that we started, not a stranger who got its number.
fleet_runs() {
    [ -s "$fleet_pid" ] && [ "$(readlink "/proc/$(cat "$fleet_pid")/exe" 2>/dev/null | sed 's/ (deleted)$//')" = "$fleet" ]
}
