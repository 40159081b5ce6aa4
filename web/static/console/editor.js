// The segment editor says how many people fit, or what is wrong and where, before it is saved.
const form = document.getElementById("editor");
const WAIT = 500;
let timer = 0;
let turn = 0;

async function preview() {
  const mine = ++turn;
  const out = document.getElementById("preview");
  const text = form.elements.expression.value;
  if (!text.trim()) return show(out, "", false, null, text);
  out.textContent = form.dataset.counting;
  const body = new URLSearchParams({ csrf: form.elements.csrf.value, expression: text, purpose: form.elements.purpose.value });
  const answer = await fetch(form.dataset.preview, { method: "POST", body, headers: { "x-console-quiet": "1" } });
  if (mine !== turn) return undefined;
  if (!answer.ok) return show(out, form.dataset.busy, false, null, text);
  const found = await answer.json();
  if (found.message) return show(out, found.message, true, found, text);
  return show(out, form.dataset.size.replace("{count}", found.size.toLocaleString()), false, null, text);
}

function show(out, message, wrong, place, text) {
  out.textContent = message;
  out.classList.toggle("fault", wrong);
  const where = document.getElementById("where");
  where.replaceChildren();
  if (!place) return;
  const mark = document.createElement("mark");
  // Offsets count characters, not UTF-16 units.
  const letters = [...text];
  const end = place.position + place.length;
  mark.textContent = letters.slice(place.position, end).join("") || "␣";
  where.append(letters.slice(0, place.position).join(""), mark, letters.slice(end).join(""));
}

if (form) {
  const later = () => { clearTimeout(timer); timer = setTimeout(() => preview().catch(() => {}), WAIT); };
  form.elements.expression.addEventListener("input", later);
  form.elements.purpose.addEventListener("change", later);
  if (form.elements.expression.value && !document.querySelector("#preview.fault")) later();
}
