"use strict";
(async () => {
  const find = (id) => document.getElementById(id);
  if (typeof DecompressionStream === "undefined") { find("old").hidden = false; return; }
  const unpack = (id) => {
    const letters = atob(find(id).textContent), bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
  };
  const data = await unpack("data");
  const make = (tag, text, kind) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };
  const percent = (value) => (value === null ? "unknown" : (100 * value).toFixed(value < 0.1 || value > 0.9 ? 1 : 0) + " %");
  const amount = (value) => (value === null ? "unknown" : value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 1 : 0 }));
  const money = (value) => (value === null || !data.unit ? amount(value) : amount(value) + " " + data.unit);
  const write = { percent, amount: money, number: amount, date: (v) => v ?? "unknown", text: (v) => v ?? "" };

  const columns = data.columns;
  const n = data.n;
  const ids = columns[0].values;
  const lowered = ids.map((id) => id.toLowerCase());
  const spoken = columns.filter((column) => column.levels && column.name !== "stage").map((column) => ({ places: column.values, levels: column.levels.map((level) => level.toLowerCase()) }));
  const chunks = new Map();
  const told = async (i) => {
    const chunk = Math.floor(i / data.chunk);
    if (!chunks.has(chunk)) chunks.set(chunk, await unpack("told-" + chunk));
    return chunks.get(chunk)[i % data.chunk];
  };
  const first = columns.find((column) => column.name === "reason_1");
  const size = 50;
  let order = Array.from({ length: n }, (_, i) => i);
  let sorting = { column: -1, down: true };
  let page = 0;
  const value = (column, i) => (column.levels ? column.levels[column.values[i]] : column.values[i]);

  const fill = (select, names) => names.forEach((name, code) => { const option = make("option", name); option.value = String(code); select.append(option); });
  const stage = columns.find((column) => column.name === "stage");
  fill(find("stage"), stage.levels);
  const filters = [["stage", stage]];
  for (const name of ["owner", "segment"]) {
    const column = columns.find((each) => each.name === name);
    if (!column) continue;
    fill(find(name), column.levels);
    find(name + "-label").hidden = false;
    filters.push([name, column]);
  }
  filters.slice().reverse().forEach(([name]) => { const option = make("option", name); option.value = name; find("by").append(option); });
  const risk = columns.find((column) => column.name === "churn_risk"), spend = columns.find((column) => column.name === "expected_spend"), stake = columns.find((column) => column.name === "at_stake");

  const headings = columns.map((column, number) => {
    const cell = make("th", undefined, column.name + (column.form === "percent" || column.form === "amount" || column.form === "number" ? " number" : ""));
    cell.scope = "col";
    const button = make("button", column.title);
    button.type = "button";
    button.addEventListener("click", () => { sorting = { column: number, down: sorting.column === number ? !sorting.down : column.form !== "text" }; arrange(); });
    cell.append(button);
    find("head").append(cell);
    return cell;
  });

  function arrange() {
    const words = find("search").value.trim().toLowerCase();
    const wanted = filters.map(([name, column]) => [column.values, find(name).value]).filter(([, chosen]) => chosen !== "").map(([values, chosen]) => [values, +chosen]);
    const kept = [], said = spoken.map((column) => ({ places: column.places, has: column.levels.map((level) => level.includes(words)) }));
    for (let i = 0; i < n; i++) {
      if (wanted.some(([values, chosen]) => values[i] !== chosen)) continue;
      if (words && !lowered[i].includes(words) && !said.some((column) => column.has[column.places[i]])) continue;
      kept.push(i);
    }
    group(kept);
    keep(kept);
    const column = columns[sorting.column], turn = sorting.down ? -1 : 1;
    if (column) kept.sort((a, b) => {
      const x = column.values[a], y = column.values[b];
      if (x === y) return a - b;
      if (x === null) return 1;
      if (y === null) return -1;
      return x < y ? -turn : turn;
    });
    order = kept;
    page = 0;
    headings.forEach((cell, number) => cell.setAttribute("aria-sort", number !== sorting.column ? "none" : sorting.down ? "descending" : "ascending"));
    show();
  }

  function group(kept) {
    const [name, column] = filters.find(([each]) => each === find("by").value) ?? filters[0];
    const sums = column.levels.map(() => [0, 0, 0, 0, 0]);
    for (const i of kept) {
      if (!data.here[i]) continue;
      const sum = sums[column.values[i]];
      sum[0] += 1; sum[1] += data.client[i]; sum[2] += risk.values[i] ?? 0; sum[3] += spend?.values[i] ?? 0; sum[4] += stake?.values[i] ?? 0;
    }
    const places = sums.map((_, code) => code).filter((code) => sums[code][0]).sort((a, b) => sums[b][4] - sums[a][4] || sums[b][0] - sums[a][0]);
    find("groups-body").replaceChildren(...places.map((code) => {
      const row = make("tr"), head = make("th"), button = make("button", column.levels[code], "open"), sum = sums[code];
      head.scope = "row"; button.type = "button";
      button.addEventListener("click", () => { find(name).value = find(name).value === String(code) ? "" : String(code); arrange(); });
      head.append(button);
      row.append(head, ...[sum[0].toLocaleString("en"), sum[1].toLocaleString("en"), Math.round(sum[2]).toLocaleString("en"), spend ? money(sum[3]) : "unknown", stake ? money(sum[4]) : "unknown"].map((text) => make("td", text, "number")));
      return row;
    }));
  }

  const planRows = [...document.querySelectorAll("#actions tbody tr")], rowPlaces = planRows.map((row) => +row.dataset.place);

  function keep(kept) {
    const rows = planRows;
    if (!rows.length) return;
    const seen = new Uint8Array(n);
    for (const i of kept) seen[i] = 1;
    let n_seen = 0;
    rows.forEach((row, at) => {
      const shown = seen[rowPlaces[at]] === 1;
      if (row.hidden === shown) row.hidden = !shown;
      n_seen += shown;
    });
    find("plan-count").textContent = n_seen < rows.length ? n_seen.toLocaleString("en") + " of " + rows.length.toLocaleString("en") + " rows are seen." : "";
  }

  function take() {
    const cell = (text) => '"' + String(text ?? "").replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""') + '"';
    const plain = (column, i) => { const one = value(column, i); return typeof one === "number" ? String(one) : cell(one); };
    const lines = [columns.map((column) => cell(column.name)).join(","), ...order.map((i) => columns.map((column) => plain(column, i)).join(","))];
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([lines.join("\r\n")], { type: "text/csv" }));
    link.download = "book.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function show() {
    const body = find("body");
    body.replaceChildren();
    for (const i of order.slice(page * size, (page + 1) * size)) {
      const row = make("tr");
      columns.forEach((column, number) => {
        const text = write[column.form](value(column, i));
        const cell = make(number === 0 ? "th" : "td", undefined, number === 0 ? "id" : headings[number].className);
        if (number === 0) {
          cell.scope = "row";
          const button = make("button", text, "open");
          button.type = "button";
          button.addEventListener("click", () => open(i));
          cell.append(button);
        } else cell.textContent = text;
        row.append(cell);
      });
      body.append(row);
    }
    const pages = Math.max(1, Math.ceil(order.length / size));
    find("count").textContent = order.length.toLocaleString("en") + " of " + n.toLocaleString("en") + " buyers";
    find("page").textContent = "page " + (page + 1).toLocaleString("en") + " of " + pages.toLocaleString("en");
    find("back").disabled = page === 0;
    find("next").disabled = page >= pages - 1;
  }

  const drawing = "http://www.w3.org/2000/svg";
  const shape = (tag, attributes, text) => {
    const element = document.createElementNS(drawing, tag);
    for (const [name, setting] of Object.entries(attributes)) element.setAttribute(name, setting);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const room = () => Math.max(300, Math.min(790, 0.94 * window.innerWidth - 42));
  const dayText = (day) => new Date(day * 86400000).toISOString().slice(0, 10);

  function timeline([purchases, ours, theirs, terms]) {
    const days = [...purchases, ...ours, ...theirs, ...terms.map((term) => term[0])];
    if (!days.length) return make("p", "No dated events.");
    const first = Math.min(...days), last = Math.max(data.as_of_day, first + 1), left = 128, width = room(), right = width - 10;
    const x = (day) => left + (right - left) * (day - first) / (last - first);
    const rows = [];
    if (terms.length) rows.push(["contract", (y) => terms.map(([from, to]) => shape("rect", { x: x(from), y: y - 4, width: Math.max(2, x(Math.min(to ?? last, last)) - x(from)), height: 8, class: "term" }))]);
    if (ours.length) rows.push(["contacts by us", (y) => ours.map((day) => shape("circle", { cx: x(day), cy: y, r: 3.5, class: "ours" }))]);
    if (theirs.length) rows.push(["contacts by them", (y) => theirs.map((day) => shape("rect", { x: x(day) - 3, y: y - 3, width: 6, height: 6, class: "theirs" }))]);
    if (purchases.length) rows.push(["purchases", (y) => purchases.map((day) => shape("line", { x1: x(day), x2: x(day), y1: y - 9, y2: y + 9, class: "purchase" }))]);
    const bottom = 24 * rows.length + 4;
    const picture = shape("svg", { viewBox: "0 0 " + width + " " + (bottom + 20), role: "img" });
    picture.append(shape("title", {}, purchases.length + " purchase days, " + ours.length + " contacts by us, " + theirs.length + " by them, " + terms.length + " contracts shown, from " + dayText(first) + " to " + dayText(last)));
    rows.forEach(([name, draw], row) => picture.append(shape("text", { x: 0, y: 24 * row + 18 }, name), ...draw(24 * row + 14)));
    picture.append(shape("line", { x1: left, x2: right, y1: bottom, y2: bottom, class: "axis" }));
    picture.append(shape("text", { x: left, y: bottom + 15 }, dayText(first)), shape("text", { x: right, y: bottom + 15, "text-anchor": "end" }, dayText(last)));
    return picture;
  }

  function waterfall(parts) {
    if (!parts.length) return make("span");
    const height = 20 * parts.length + 10, width = room(), names = 165, middle = names + (width - names) / 2, most = (width - names) / 2 - 44, top = Math.max(...parts.map((part) => Math.abs(part[1])), 0.1);
    const picture = shape("svg", { viewBox: "0 0 " + width + " " + height, role: "img" });
    picture.append(shape("title", {}, "Contributions to churn in log-odds: " + parts.map((part) => data.groups[part[0]] + " " + part[1].toFixed(2)).join(", ")));
    parts.forEach(([group, points], row) => {
      const length = most * Math.abs(points) / top, y = 20 * row + 4;
      picture.append(shape("text", { x: names - 8, y: y + 12, "text-anchor": "end" }, data.groups[group]));
      picture.append(shape("rect", { x: points > 0 ? middle : middle - length, y: y, width: length, height: 14, class: points > 0 ? "up" : "down" }));
      picture.append(shape("text", { x: points > 0 ? middle + 6 + length : middle - 6 - length, y: y + 12, "text-anchor": points > 0 ? "start" : "end" }, (points > 0 ? "+" : "") + points.toFixed(2)));
    });
    return picture;
  }

  async function open(i) {
    find("buyer-title").textContent = ids[i];
    const [further, story, contributions, due] = await told(i);
    find("buyer-facts").replaceChildren(...columns.slice(1).filter((column) => column.name !== "reason_1" && value(column, i) !== null).map((column) => {
      const fact = make("div"), shown = make("dd", write[column.form](value(column, i)));
      if (column.name === "churn_risk") shown.append(make("small", percent(data.low[i]) + " to " + percent(data.high[i])));
      fact.append(make("dt", column.title), shown);
      return fact;
    }));
    find("buyer-timeline").replaceChildren(timeline(story));
    find("buyer-reasons").replaceChildren(...[value(first, i), ...further].filter(Boolean).map((reason) => make("li", reason)));
    find("buyer-waterfall").replaceChildren(waterfall(contributions));
    find("buyer-care").replaceChildren(...(due.length ? due : ["Nothing is due."]).map((action) => make("li", action)));
    find("buyer").showModal();
  }

  find("close").addEventListener("click", () => find("buyer").close());
  find("back").addEventListener("click", () => { page -= 1; show(); });
  find("next").addEventListener("click", () => { page += 1; show(); });
  find("search").addEventListener("input", arrange);
  filters.forEach(([name]) => find(name).addEventListener("change", arrange));
  find("by").addEventListener("change", arrange);
  find("take").addEventListener("click", take);
  const print = find("print");
  if (print) print.addEventListener("click", () => window.print());
  arrange();
})();
