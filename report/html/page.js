// The table of the page: sort, search, details, and a window that holds only the rows that can be seen, so that 50,000 rows scroll like 50.
// Data is hostile: it becomes text nodes and nothing else.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const columns = data.columns, rows = data.rows;
  const at = Date.parse(data.at), DAY = 86400000, ROW_HEIGHT = 46, PRINT_MAX = 5000;
  const index = Object.fromEntries(columns.map((column, i) => [column.name, i]));
  const shown = columns.filter((column) => !column.detail);
  const byId = (id) => document.getElementById(id);
  const field = (row, name) => (index[name] === undefined ? undefined : row[index[name]]);
  const number = new Intl.NumberFormat("en");

  // ---- text ----

  // What changes text without being seen (controls, bidirectional marks, zero width) is shown as its code point.
  const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|[\u{e0000}-\u{e0fff}]/gu;
  const visible = (text) => String(text).replace(HIDDEN, (c) => "\\u{" + c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "}");

  const element = (name, className, text) => {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = visible(text);
    return node;
  };

  const distance = (ms) => {
    const ago = ms < 0, s = Math.abs(ms) / 1000;
    const [count, unit] = s >= 2 * 31536000 ? [s / 31536000, "year"] : s >= 2 * 86400 ? [s / 86400, "day"] : s >= 7200 ? [s / 3600, "hour"] : [s / 60, "minute"];
    const text = Math.floor(count) + " " + unit + (Math.floor(count) === 1 ? "" : "s");
    return ago ? text + " ago" : "in " + text;
  };
  const minute = (iso) => iso.slice(0, 10) + " " + iso.slice(11, 16);

  const urgency = (row) => {
    const expires = field(row, "not_after");
    if (!expires) return "";
    if (Date.parse(expires) <= at) return "expired";
    const threshold = field(row, "threshold");
    return threshold === null ? "later" : threshold <= 7 ? "urgent" : "soon";
  };
  const failing = (row) => (data.report === "inventory" ? !["ok", "hidden"].includes(field(row, "result")) : field(row, "failing_places") > 0);
  const unowned = (row) => (data.report === "inventory" ? field(row, "owner") === null : field(row, "unowned_places") > 0);

  const listText = (value) =>
    value.map((item) => {
      if (typeof item !== "object" || item === null) return String(item);
      if (item.sha256) return [item.name, item.role + " " + item.position, "expires " + item.not_after, item.sha256].join(" · ");
      return [item.name, (item.email || []).join(", "), item.contact].filter(Boolean).join(" · ");
    });
  const plain = (value) => (value === null || value === undefined ? "" : Array.isArray(value) ? listText(value).join(" ") : String(value));

  // ---- cells ----

  const two = (cell, over, under, overClass) => {
    const first = element("div");
    first.append(overClass ? element("span", overClass, over) : document.createTextNode(visible(over)));
    cell.append(first);
    if (under) cell.append(element("div", "under", under));
  };
  const painters = {
    not_after: (cell, row) => {
      const expires = field(row, "not_after");
      if (!expires) return two(cell, "–");
      two(cell, distance(Date.parse(expires) - at), minute(expires), "pill " + urgency(row));
    },
    name: (cell, row) => {
      const name = field(row, "name");
      if (name === null) return two(cell, failing(row) ? "never read" : field(row, "result") === "hidden" ? "cannot be seen" : "–", null, "under");
      two(cell, name, data.report === "inventory" ? field(row, "issuer") : field(row, "key"));
    },
    owners: (cell, row) => {
      const owners = field(row, "owners");
      if (!owners.length) return two(cell, "nobody", null, "nobody");
      two(cell, owners.map((owner) => owner.name).join(", ") + (field(row, "unowned_places") > 0 ? ", nobody" : ""),
        owners.map((owner) => [owner.contact, (owner.email || []).join(", ")].filter(Boolean).join(" · ")).filter(Boolean).join("; "));
    },
    owner: (cell, row) => {
      if (field(row, "owner") === null) return two(cell, "nobody", null, "nobody");
      two(cell, field(row, "owner"), field(row, "owner_contact") || listText(field(row, "owner_email")).join(", "));
    },
    first_places: (cell, row) => {
      const places = field(row, "first_places");
      two(cell, places[0] || "", places.length > 1 ? places.slice(1).join(", ") : null);
    },
    places: (cell, row) => two(cell, number.format(field(row, "places")), field(row, "failing_places") > 0 ? field(row, "failing_places") + " failing" : null),
    result: (cell, row) => {
      const result = field(row, "result");
      two(cell, result, failing(row) ? field(row, "detail") || "unreachable is not absent" : null, result === "ok" ? "pill good" : result === "hidden" ? "under" : "pill bad");
    },
    last_checked: (cell, row) => {
      const checked = field(row, "last_checked");
      if (!checked) return two(cell, "never", null, "nobody");
      two(cell, distance(Date.parse(checked) - at), minute(checked));
    },
    // "CN=R11,O=Let's Encrypt,C=US": the first part is what people call it.
    issuer: (cell, row) => {
      const [, over, under] = /^((?:\\[^]|[^\\,])*),?([^]*)$/.exec(field(row, "issuer") ?? "–");
      two(cell, over.replace(/^CN=/, ""), under);
    },
    verdict: (cell, row) => {
      cell.classList.add("verdict");
      const verdict = field(row, "verdict");
      two(cell, verdict === null ? "not judged" : verdict.replaceAll("_", " "), null, verdict === "ok" ? "pill good" : verdict === null ? "under" : "");
    },
  };
  const paint = (cell, column, row) => {
    if (painters[column.name]) painters[column.name](cell, row);
    else two(cell, plain(field(row, column.name)) || "–");
  };

  // ---- which rows, in which order ----

  const chips = [
    ["All", () => true],
    ["Expired", (row) => urgency(row) === "expired"],
    ["Urgent", (row) => urgency(row) === "urgent"],
    ["Soon", (row) => urgency(row) === "soon"],
    ["Not readable", failing],
    ["Nobody's", unowned],
  ];
  let chip = 0, sortColumn = -1, sortDown = false, order = rows.map((_, i) => i), haystacks = null;

  const buildHaystacks = () => rows.map((row) => row.map(plain).join("\n").toLowerCase());
  // -word, "two words"; expires:2026-11-26 is what a bar of the picture asks for.
  const EXPIRES = "expires:";
  const holds = (i, word) => (word.startsWith(EXPIRES) ? (field(rows[i], "not_after") ?? "").toLowerCase().startsWith(word.slice(EXPIRES.length)) : haystacks[i].includes(word));
  const terms = (query) => Array.from(query.toLowerCase().matchAll(/(-?)(?:"([^"]*)"?|(\S+))/g), (m) => [m[1] === "-", m[2] ?? m[3]]).filter((term) => term[1]);

  const sortKey = (row, i) => {
    const value = row[i];
    if (value === null || value === undefined || (Array.isArray(value) && !value.length)) return null;
    return columns[i].kind === "integer" ? value : plain(value).toLowerCase();
  };
  const sorted = (wanted) => {
    if (sortColumn < 0) return wanted;
    const keys = rows.map((row) => sortKey(row, sortColumn)), sign = sortDown ? -1 : 1;
    return wanted.sort((a, b) => {
      const x = keys[a], y = keys[b];
      if (x === y) return a - b;
      if (x === null) return 1; // unknown values last, whichever way
      if (y === null) return -1;
      return x < y ? -sign : sign;
    });
  };

  const refresh = () => {
    const wanted = terms(byId("search").value), passes = chips[chip][1];
    if (wanted.length && !haystacks) haystacks = buildHaystacks();
    const found = [];
    for (let i = 0; i < rows.length; i++)
      if (passes(rows[i]) && wanted.every(([negated, word]) => holds(i, word) !== negated)) found.push(i);
    order = sorted(found);
    byId("count").textContent = order.length === rows.length ? number.format(rows.length) + (rows.length === 1 ? " row" : " rows") : number.format(order.length) + " of " + number.format(rows.length) + " rows";
    byId("empty").hidden = order.length > 0;
    byId("table").setAttribute("aria-rowcount", order.length + 1);
    scroller.scrollTop = 0;
    active = 0;
    draw(true);
  };

  // ---- the window of rows ----

  const scroller = byId("window"), body = document.querySelector("#table tbody");
  let active = 0, first = -1, last = -1;

  const rowElement = (position) => {
    const row = rows[order[position]], tr = element("tr", "row");
    tr.setAttribute("aria-rowindex", position + 2);
    tr.dataset.position = position;
    tr.tabIndex = position === active ? 0 : -1;
    for (const column of shown) {
      const td = element("td", column.kind === "integer" ? "number" : "");
      paint(td, column, row);
      const text = plain(field(row, column.name));
      if (text.length > 20) td.title = visible(text.slice(0, 600));
      tr.append(td);
    }
    return tr;
  };
  const space = (height) => {
    const tr = element("tr", "space"), td = element("td");
    tr.setAttribute("aria-hidden", "true");
    td.colSpan = shown.length;
    td.style.height = height + "px";
    tr.append(td);
    return tr;
  };
  const drawRange = (from, to) => {
    const focused = body.contains(document.activeElement);
    const nodes = [];
    if (from > 0) nodes.push(space(from * ROW_HEIGHT));
    for (let i = from; i < to; i++) nodes.push(rowElement(i));
    if (to < order.length) nodes.push(space((order.length - to) * ROW_HEIGHT));
    body.replaceChildren(...nodes);
    if (focused) body.querySelector('[tabindex="0"]')?.focus({ preventScroll: true });
    first = from;
    last = to;
  };
  const draw = (force) => {
    const visibleRows = Math.ceil((scroller.clientHeight || 600) / ROW_HEIGHT);
    const top = Math.floor(scroller.scrollTop / ROW_HEIGHT);
    const from = Math.max(0, top - 10), to = Math.min(order.length, top + visibleRows + 10);
    if (force || from < first || to > last || from > first + 8) drawRange(from, to);
  };

  const activate = (position) => {
    active = Math.max(0, Math.min(order.length - 1, position));
    const top = active * ROW_HEIGHT, head = document.querySelector("#table thead").offsetHeight;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + ROW_HEIGHT + head > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = top + ROW_HEIGHT + head - scroller.clientHeight;
    draw(true);
    body.querySelector('[tabindex="0"]')?.focus({ preventScroll: true });
  };

  // ---- details ----

  const details = (row) => {
    byId("details-title").textContent = visible(field(row, "name") ?? field(row, "place"));
    const list = byId("details-list");
    list.replaceChildren();
    columns.forEach((column, i) => {
      const value = row[i];
      if (value === null || value === "" || (Array.isArray(value) && !value.length)) return;
      const dd = element("dd");
      if (Array.isArray(value)) for (const text of listText(value)) dd.append(element("div", "", text));
      else if (column.kind === "time") dd.append(element("div", "", value + " (" + distance(Date.parse(value) - at) + ")"));
      else dd.append(/^[0-9a-f]{16,}$/.test(value) ? element("code", "", value) : element("div", "", value === true ? "yes" : value === false ? "no" : value));
      list.append(element("dt", "", column.title), dd);
    });
    byId("details").showModal();
  };

  // ---- what people do ----

  if (data.report === "expiring") sortColumn = index.not_after; // as they came
  const headRow = element("tr");
  for (const column of shown) {
    const th = element("th", "col-" + column.name + (column.kind === "integer" ? " number" : "")), button = element("button", "", column.title);
    th.scope = "col";
    button.addEventListener("click", () => {
      const i = index[column.name];
      sortDown = sortColumn === i ? !sortDown : false;
      sortColumn = i;
      for (const other of headRow.children) other.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", sortDown ? "descending" : "ascending");
      refresh();
    });
    if (sortColumn === index[column.name]) th.setAttribute("aria-sort", "ascending");
    th.append(button);
    headRow.append(th);
  }
  document.querySelector("#table thead").append(headRow);

  chips.forEach(([label, passes], i) => {
    const total = i ? rows.reduce((sum, row) => sum + (passes(row) ? 1 : 0), 0) : rows.length;
    if (i && !total) return;
    const button = element("button", "", label);
    button.type = "button";
    button.setAttribute("aria-pressed", String(i === chip));
    button.append(element("span", "", number.format(total)));
    button.addEventListener("click", () => {
      chip = i;
      for (const other of byId("chips").children) other.setAttribute("aria-pressed", String(other === button));
      refresh();
    });
    button.dataset.chip = i;
    byId("chips").append(button);
  });

  let pending = false;
  const soon = (work) => () => {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      work();
    });
  };
  byId("search").addEventListener("input", refresh);
  scroller.addEventListener("scroll", soon(() => draw(false)), { passive: true });
  addEventListener("resize", soon(() => draw(true)));
  body.addEventListener("click", (event) => {
    const tr = event.target.closest("tr.row");
    if (!tr || String(getSelection())) return;
    active = Number(tr.dataset.position);
    details(rows[order[active]]);
  });
  scroller.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(scroller.clientHeight / ROW_HEIGHT) - 2);
    const steps = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: order.length - 1 };
    const inRow = event.target.closest("tr.row");
    if (event.key in steps && (inRow || event.target === scroller)) {
      event.preventDefault();
      activate(inRow ? steps[event.key] : event.key === "End" ? order.length - 1 : active);
    } else if (inRow && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      active = Number(inRow.dataset.position);
      details(rows[order[active]]);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !byId("details").open && document.activeElement !== byId("search")) {
      event.preventDefault();
      byId("search").focus();
    }
  });
  byId("details").addEventListener("click", (event) => {
    if (event.target === byId("details")) byId("details").close();
  });
  document.querySelector(".chart")?.addEventListener("click", (event) => {
    const day = event.target.closest("[data-day]")?.dataset.day;
    if (!day) return;
    if (day === "overdue") byId("chips").querySelector('[data-chip="1"]')?.click();
    else {
      byId("search").value = byId("search").value === EXPIRES + day ? "" : EXPIRES + day;
      refresh();
    }
    byId("rows").scrollIntoView({ block: "start" });
  });
  addEventListener("beforeprint", () => drawRange(0, Math.min(order.length, PRINT_MAX)));
  addEventListener("afterprint", () => draw(true));

  const age = Date.now() - at;
  if (age > 2 * DAY) {
    byId("stale").textContent = "This page is " + Math.floor(age / DAY) + " days old. Everything on it is as of " + minute(data.at) + " UTC.";
    byId("stale").hidden = false;
  }
  byId("rows").hidden = false;
  refresh();
})();
