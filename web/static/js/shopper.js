// The demo shopper chosen in the header.
import { local } from "./safe_storage.js";

const KEY = "qudao.shopper";
export const CHANGED = "qudao:shopper";

/** The chosen shopper's id, or null for a guest; always null where none can be chosen. */
export function currentShopper() {
  const select = document.getElementById("shopper");
  return select ? select.value || null : null;
}

/** Show the choice kept, keep new ones, and tell the chat. */
export function watchShopper(select) {
  if (!select) return;
  const kept = local.read(KEY) || "";
  if ([...select.options].some((option) => option.value === kept)) select.value = kept;
  select.addEventListener("change", () => {
    local.write(KEY, select.value);
    document.dispatchEvent(new CustomEvent(CHANGED));
  });
}
