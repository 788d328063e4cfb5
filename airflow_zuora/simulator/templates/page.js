"use strict";
// The page is drawn from one JSON state. Names go in by textContent only, so they can never be markup.
const $ = (id) => document.getElementById(id);
const asked = { status: "", search: "", page: 1 };
const known = new Map();     // connection id -> status as last drawn, to see what is new
let state = JSON.parse($("state").textContent);
let drawn = JSON.stringify(asked);  // what was asked for the state that is drawn
let latest = 0;              // number of the newest poll: answers to older ones are late

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// Keep the elements of a list in step with its items: unchanged ones stay as they are, so nothing flickers.
function reconcile(parent, items, keyOf, make, update) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, index) => {
    const key = String(keyOf(item));
    let child = old.get(key);
    old.delete(key);
    if (!child) {
      child = make(item);
      child.dataset.key = key;
    }
    const signature = JSON.stringify(item);
    if (child.dataset.signature !== signature) update(child, item);
    child.dataset.signature = signature;
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] || null);
  });
  old.forEach((child) => child.remove());
}

function makeRow() {
  const row = element("tr");
  const status = element("td");
  const arrow = element("td", "arrow", "→");
  arrow.setAttribute("aria-hidden", "true");
  status.append(element("span", "badge"));
  row.append(status, element("td", "name"), arrow, element("td", "name"), element("td", "id"));
  return row;
}

function updateRow(row, item) {
  const [status, source, , target, id] = row.children;
  status.firstChild.className = `badge ${item.status}`;
  status.firstChild.textContent = item.status;
  source.textContent = item.source;
  target.textContent = item.target;
  id.textContent = item.id;
}

function flash(row) {
  row.classList.remove("flash");
  void row.offsetWidth;      // makes the browser start the animation again
  row.classList.add("flash");
}

function drawConnections(sameView) {
  const news = [];
  reconcile($("rows"), state.connections, (item) => item.id, makeRow, updateRow);
  [...$("rows").children].forEach((row, index) => {
    const item = state.connections[index];
    if (sameView && known.get(item.id) !== item.status) {
      flash(row);
      news.push(`${item.source} to ${item.target}: ${item.status}`);
    }
    known.set(item.id, item.status);
  });
  if (news.length) $("news").textContent = news.slice(0, 3).join(". ");
  $("nothing").hidden = state.found > 0;
  const first = (state.page - 1) * 25 + 1;
  const last = first + state.connections.length - 1;
  $("range").textContent = state.found ? `${first}–${last} of ${state.found.toLocaleString("en")}` : "";
  $("previous").disabled = state.page <= 1;
  $("next").disabled = state.page >= state.pages;
  for (const button of $("filters").children) {
    button.lastElementChild.textContent = state.counts[button.dataset.status].toLocaleString("en");
    button.setAttribute("aria-pressed", String(button.dataset.status === asked.status));
  }
}

function updateEntity(line, item) {
  const button = element("button");
  button.type = "button";
  button.title = `Show the connections of ${item.name}`;
  button.style.setProperty("--depth", item.depth);
  button.append(element("span", item.provisioned ? "" : "off", item.name));
  if (item.waiting) button.append(element("small", "waiting", `${item.waiting.toLocaleString("en")} pending`));
  if (!item.provisioned) button.append(element("small", "note", "unprovisioned"));
  button.addEventListener("click", () => search(item.name));
  line.replaceChildren(button);
}

function updateOption(option, item) {
  option.value = item.id;
  option.textContent = item.name;
}

function drawEntities() {
  reconcile($("tree"), state.entities, (item) => item.id, () => element("li"), updateEntity);
  $("more-entities").hidden = !state.moreEntities;
  $("more-entities").textContent = `and ${state.moreEntities.toLocaleString("en")} more`;
  const choices = state.entities.filter((item) => item.provisioned).map(({ id, name }) => ({ id, name }));
  for (const name of ["source", "target"]) {
    const select = $(name);
    const chosen = select.value || state.suggestion[name];
    reconcile(select, choices, (item) => item.id, () => element("option"), updateOption);
    select.value = choices.some((item) => item.id === chosen) ? chosen : choices[0]?.id;
  }
}

function updateRequest(line, item) {
  const end = element("span");
  if (item.fault) end.append(element("span", "fault", item.fault));
  end.append(element("span", item.status && item.status < 400 ? "status" : "status bad", item.status ?? "no answer"));
  const path = element("span", "path", item.path);
  path.title = item.path;
  line.replaceChildren(element("time", "", item.time), element("span", "method", item.method), path, end);
}

function draw(sameView) {
  drawConnections(sameView);
  drawEntities();
  reconcile($("requests"), state.requests, (item) => item.number, () => element("li"), updateRequest);
  $("no-requests").hidden = state.requests.length > 0;
}

async function refresh() {
  const number = ++latest;
  // Only a reader who still looks at the same rows may be told that nothing has changed.
  const sameView = JSON.stringify(asked) === drawn;
  const query = new URLSearchParams({ ...asked, version: sameView ? state.version : "" });
  try {
    const response = await fetch(`/_simulator/state?${query}`, { cache: "no-store" });
    const answer = response.status === 200 ? await response.json() : null;
    if (number !== latest) return;
    if (answer) {
      state = answer;
      asked.page = state.page;
      drawn = JSON.stringify(asked);
      draw(sameView);
    }
    $("live").classList.remove("lost");
    $("live-text").textContent = "Live";
  } catch {
    $("live").classList.add("lost");
    $("live-text").textContent = "Not reachable";
  }
}

function look(changes) {
  Object.assign(asked, { page: 1 }, changes);
  refresh();
}

function search(text) {
  $("search").value = text;
  look({ search: text });
}

async function send(event) {
  event.preventDefault();
  const body = JSON.stringify({ sourceEntityId: $("source").value, targetEntityId: $("target").value });
  const headers = { "Content-Type": "application/json" };
  const response = await fetch("/_simulator/connections", { method: "POST", headers, body }).catch(() => null);
  if (!response) return refresh();  // which tells that the simulator is gone
  const answer = await response.json();
  $("sent").className = response.ok ? "" : "bad";
  $("sent").textContent = response.ok ? "Request sent. It waits for the target entity." : answer.message;
  return refresh();
}

async function poll() {
  if (!document.hidden) await refresh();
  setTimeout(poll, 1000);
}

$("search").addEventListener("input", (event) => look({ search: event.target.value }));
$("filters").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) look({ status: button.dataset.status });
});
$("previous").addEventListener("click", () => look({ page: state.page - 1 }));
$("next").addEventListener("click", () => look({ page: state.page + 1 }));
$("send").addEventListener("submit", send);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
draw(false);
poll();
