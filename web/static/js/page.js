// What every page does: remember where the visitor came from, the shopper chosen, and the chat.
import { start } from "../chat/main.js";
import { currentShopper, watchShopper } from "./shopper.js";
import { noteArrival } from "./touch.js";
import { showProduct } from "./product.js";

noteArrival(new URL(location.href), document.referrer);
watchShopper(document.getElementById("shopper"));
showProduct(document.getElementById("product"));
const place = document.getElementById("qudao-chat");
if (place) start(place, currentShopper);
