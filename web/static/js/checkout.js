// "Buy now" of the demo shop: the variant chosen, for the shopper chosen.
import { ask, freshToken } from "./session.js";
import { currentShopper } from "./shopper.js";
import { track } from "./track.js";
import { newId } from "./visitor.js";

/** Bring the button to life; `chosen()` gives the variant {sku, price}. */
export function watchPurchase(article, chosen) {
  const button = document.getElementById("buy");
  if (!button) return;
  const said = document.getElementById("bought");
  const words = button.dataset;
  // The same for every try of one purchase, so that a lost answer buys nothing twice.
  let request = newId();
  article.addEventListener("change", () => (request = newId()));
  button.addEventListener("click", async () => {
    const shopper = currentShopper();
    const variant = chosen();
    if (!shopper) {
      said.textContent = words.guest;
      document.getElementById("shopper")?.focus();
      return;
    }
    button.disabled = true;
    said.textContent = "";
    try {
      track("Checkout Started", { products: [{ product_id: article.dataset.trackProduct, sku: variant.sku, name: article.dataset.trackName, category: article.dataset.trackCategory, brand: article.dataset.trackBrand, quantity: 1 }] });
      const order = await ask("/api/checkout", {
        token: await freshToken(shopper),
        product: article.dataset.trackProduct,
        sku: variant.sku,
        price_cents: variant.price,
        request,
      });
      said.textContent = words.done.replace("{number}", order.number);
      request = newId();
    } catch (error) {
      const known = { sold_out: words.soldOut, price_changed: words.price };
      said.textContent = known[error.code] || words.failed;
    } finally {
      button.disabled = false;
    }
  });
}
