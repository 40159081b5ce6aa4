// What every page of the console does: ask before what cannot be taken back.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.sure;
  if (question && !window.confirm(question)) event.preventDefault();
});
document.querySelector(".side [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
