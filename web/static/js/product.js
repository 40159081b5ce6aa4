// The pickers of a product's page: price, stock and picture of the variant chosen.

import { watchPurchase } from "./checkout.js";
import { yuan } from "./money.js";

const PLENTY = 5;

/** Bring the pickers of `article` to life. */
export function showProduct(article) {
  if (!article) return;
  const variants = JSON.parse(article.dataset.variants);
  article.addEventListener("change", () => update(article, variants));
  update(article, variants);
  watchPurchase(article, () => variantOf(article, variants));
}

function variantOf(article, variants) {
  const [colour, size] = [chosen(article, "colour"), chosen(article, "size")];
  return variants.find((one) => one.colour === colour && one.size === size);
}

function chosen(article, kind) {
  const picker = article.querySelector(`[data-picker="${kind}"]`);
  return picker ? picker.querySelector("input:checked")?.value ?? null : null;
}

function update(article, variants) {
  const colour = chosen(article, "colour");
  const size = chosen(article, "size");
  const variant = variantOf(article, variants);
  mark(article, "size", (value) => variants.find((one) => one.colour === colour && one.size === value));
  mark(article, "colour", (value) => variants.find((one) => one.colour === value && one.size === size));
  showPicture(article, colour);
  if (!variant) return;
  if (variant.price !== null) document.getElementById("price").textContent = yuan(variant.price);
  const [state, words] = stockOf(article, variant);
  const stock = document.getElementById("stock");
  stock.dataset.state = state;
  stock.textContent = words;
  const buy = document.getElementById("buy");
  if (buy) buy.disabled = variant.stock <= 0 || variant.price === null;
}

function mark(article, kind, find) {
  for (const label of article.querySelectorAll(`[data-picker="${kind}"] .choice`)) {
    const variant = find(label.querySelector("input").value);
    label.classList.toggle("gone", !variant || variant.stock <= 0);
  }
}

function showPicture(article, colour) {
  const query = colour ? `?${new URLSearchParams({ colour })}` : "";
  const address = article.dataset.picture + query;
  const picture = document.getElementById("picture");
  if (picture.getAttribute("src") !== address) picture.src = address;
}

function stockOf(article, variant) {
  const words = article.dataset;
  if (variant.stock > PLENTY) return ["plenty", words.plenty];
  if (variant.stock > 0) return ["few", words.few.replace("{count}", variant.stock)];
  if (variant.restock) return ["none", words.restock.replace("{days}", variant.restock)];
  return ["none", words.none];
}
