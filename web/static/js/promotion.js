// The code of a promotion, copied with one tap.

export function watchCopy() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.dataset.copied = "";
    } catch {
      // It can still be read and typed.
    }
  });
}
