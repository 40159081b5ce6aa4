// What every page does: remember where the visitor came from, ask what is allowed, the shopper
// chosen, the chat, and whatever this page is for.
import { start } from "../chat/main.js";
import { CONSENT, watchConsent } from "./consent.js";
import { watchMe } from "./me.js";
import { showProduct } from "./product.js";
import { watchCopy } from "./promotion.js";
import { ask, heldToken } from "./session.js";
import { currentShopper, watchShopper } from "./shopper.js";
import { noteArrival } from "./touch.js";
import { watchVisit } from "./track.js";

const touch = noteArrival(
  new URL(location.href),
  document.referrer,
  document.getElementById("tracked")?.dataset.category,
);
watchConsent(document.getElementById("consent"));
watchShopper(document.getElementById("shopper"));
// Before the tracker hears of it: what was chosen holds for all that it then sends.
document.addEventListener(CONSENT, ({ detail }) => tellServer(detail.purposes));
watchVisit(touch);
watchCopy();
showProduct(document.getElementById("product"));
watchMe(document.getElementById("me"));
const place = document.getElementById("qudao-chat");
if (place) start(place, currentShopper);

/** Who has a session is known by more than this browser: the choice holds for all of it. */
function tellServer(purposes) {
  const token = heldToken(currentShopper());
  if (!token) return;
  ask("/api/me/consent", { token, purposes }).catch((error) => console.info("consent.waits", error.message));
}
