// New events on top of the table, asked for every two seconds; a pause button.
const table = document.getElementById("live");
const body = table.tBodies[0];
const button = document.getElementById("pause");
const state = document.getElementById("live-state");
const MOST = 200;
const EVERY = 2000;
let paused = false;

const last = () => Number(body.rows[0]?.dataset.seq ?? 0);
const say = (what) => { state.textContent = state.dataset[what]; };

async function ask() {
  const url = `${table.dataset.feed}&after=${last()}`;
  const answer = await fetch(url, { headers: { "x-console-quiet": "1" } });
  if (answer.status === 401) return "out";
  if (!answer.ok) return "lost";
  if (answer.status === 200 && !paused) add(await answer.text());
  return "live";
}

function add(rows) {
  const made = document.createElement("template");
  made.innerHTML = rows;
  for (const row of made.content.querySelectorAll("tr")) row.classList.add("fresh");
  body.prepend(made.content);
  while (body.rows.length > MOST) body.rows[body.rows.length - 1].remove();
  table.parentElement.querySelector(".nothing")?.remove();
}

async function turn() {
  if (!paused && !document.hidden) {
    const what = await ask().catch(() => "lost");
    if (!paused) say(what);
    if (what === "out") return;
  }
  setTimeout(turn, EVERY);
}

button.addEventListener("click", () => {
  paused = !paused;
  button.setAttribute("aria-pressed", String(paused));
  button.textContent = paused ? button.dataset.go : button.dataset.pause;
  say(paused ? "paused" : "live");
});
setTimeout(turn, EVERY);
