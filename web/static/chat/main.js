// The chat widget put together: one panel on the page, one conversation for the shopper chosen.
import { CONSENT } from "../js/consent.js";
import { local, session } from "../js/safe_storage.js";
import { CHANGED } from "../js/shopper.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { labels } from "./labels.js";
import { Log } from "./log.js";
import { Microphone } from "./microphone.js";
import { Panel } from "./panel.js";
import { ProductBar } from "./product_bar.js";

const OPEN = "qudao.chat.open";
const READ = "qudao.chat.read.";

/** Put the chat into `place`, which names language, session address and product; `shopper()` tells
 * whose talk it is. */
export function start(place, shopper) {
  const { language, session: sessionUrl } = place.dataset;
  const widget = new Widget(labels(language), language, sessionUrl, shopper);
  widget.build(productOf(place.dataset));
  place.append(widget.panel.root);
  widget.begin();
}

function productOf({ product, productName, productImage, productPrice }) {
  return product ? { id: product, name: productName, image: productImage, price: productPrice } : null;
}

class Widget {
  constructor(t, language, sessionUrl, shopper) {
    Object.assign(this, { t, language, sessionUrl, shopper });
  }

  build(product) {
    const { t, language } = this;
    const say = (text) => this.say(text);
    this.log = new Log({
      t,
      language,
      actions: {
        choose: (button) => this.choose(button),
        retry: (id) => this.refocus(() => this.talk.retry(id)),
        discard: (id) => this.refocus(() => this.talk.discard(id)),
      },
    });
    this.microphone = new Microphone({
      t,
      onRecorded: (recording) => this.sayAloud(recording),
      onConsent: (granted) => this.talk.allowVoice(granted),
      onBusy: (busy) => (this.composer.field.hidden = busy),
    });
    this.composer = new Composer({ t, onSend: say, microphone: this.microphone });
    this.bar = new ProductBar({ t, product, onSend: say });
    this.panel = new Panel({
      t,
      parts: [this.log.element, this.bar.element, this.composer.element],
      input: this.composer.input,
      onToggle: (open) => this.toggled(open),
    });
  }

  begin() {
    this.newTalk();
    document.addEventListener(CHANGED, () => this.newTalk());
    document.addEventListener(CONSENT, () => this.talk.renew());
    document.addEventListener("visibilitychange", () => this.draw());
    document.addEventListener("click", (event) => this.clicked(event));
    if (session.read(OPEN) === true) this.panel.toggle(true, true);
  }

  newTalk() {
    this.talk?.stop();
    this.microphone.know("off");
    this.talk = new Conversation({
      sessionUrl: this.sessionUrl,
      shopper: this.shopper(),
      t: this.t,
      language: this.language,
      onChange: () => this.draw(),
      onVoice: (state) => this.microphone.know(state),
    });
    // Nothing is asked of the server, or kept there, before the chat is first opened.
    if (this.talk.known || this.panel.isOpen) this.talk.start();
    this.draw();
  }

  clicked(event) {
    const button = event.target.closest("[data-open-chat]");
    if (!button) return;
    if ("withProduct" in button.dataset) this.bar.show();
    this.panel.toggle(true);
  }

  toggled(open) {
    session.write(OPEN, open);
    if (open) this.talk.start();
    else this.microphone.cancel();
    this.composer.fit();
    this.draw();
    if (open) this.log.toBottom();
  }

  say(text) {
    this.talk.say(text, this.bar.current);
    this.draw();
    this.log.toBottom();
  }

  sayAloud(recording) {
    this.talk.sayAloud(recording);
    this.draw();
    this.log.toBottom();
  }

  choose(button) {
    this.refocus(() => this.talk.choose(button));
    this.draw();
    this.log.toBottom();
  }

  /** Do what makes the focused button go, without losing the focus to the page behind. */
  refocus(action) {
    action();
    this.log.element.focus({ preventScroll: true });
  }

  draw() {
    const { talk } = this;
    this.log.draw(talk);
    this.panel.draw({ state: talk.state, seen: talk.loaded, unread: this.unread() });
  }

  unread() {
    const key = READ + this.talk.id;
    const { store } = this.talk;
    if (this.panel.isOpen && document.visibilityState === "visible") {
      if (store.newest > (local.read(key) || 0)) local.write(key, store.newest);
      return 0;
    }
    return store.unread(local.read(key) || 0);
  }
}
