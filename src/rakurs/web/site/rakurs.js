// The counter of a site: visits, pages, forms, taps on phone numbers and goals go to the company's own Rakurs, to nobody else.
// Nothing is stored or sent where the browser asks not to be followed, nor before a needed consent is given.
(function () {
  "use strict";
  var settings = __SETTINGS__;
  var script = document.currentScript;
  if (!script || window.rakurs) { return; }
  var address = script.src.replace(/[^\/]*$/, "") + "collect";
  var HALF_AN_HOUR = 30 * 60 * 1000;
  var KEY = "rakurs";
  var AGREED = "rakurs.consent";
  var waiting = [];
  var timer = 0;
  var page = "";

  function refuses() {
    return navigator.globalPrivacyControl === true || navigator.doNotTrack === "1" || window.doNotTrack === "1";
  }

  function id() {
    if (window.crypto && crypto.randomUUID) { return crypto.randomUUID(); }
    var bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.prototype.map.call(bytes, function (one) { return ("0" + one.toString(16)).slice(-2); }).join("");
  }

  function kept(name) {
    try { return localStorage.getItem(name); } catch (closed) { return null; }
  }

  function keep(name, value) {
    try {
      if (value === null) { localStorage.removeItem(name); } else { localStorage.setItem(name, value); }
    } catch (closed) { /* A browser without storage begins a visit with every page. */ }
  }

  function isAllowed() {
    return !refuses() && (!settings.needs_consent || kept(AGREED) === "yes");
  }

  function tagsOf(url) {
    return (url.match(/[?&](utm_[a-z]+|yclid|ymclid|gclid|wbraid|gbraid|rb_clickid)=[^&#]*/g) || []).join("");
  }

  function memory() {
    try { return JSON.parse(kept(KEY)) || {}; } catch (spoilt) { return {}; }
  }

  // A visit ends after half an hour without anything, or where the visitor comes by another advertisement.
  function visitNow() {
    var known = memory();
    var now = Date.now();
    var tags = tagsOf(location.href);
    if (!known.visitor) { known = { visitor: id() }; }
    if (!known.visit || now - known.last > HALF_AN_HOUR || (tags && tags !== known.tags)) {
      known.visit = {
        id: id(), at: now, page: location.href, referrer: document.referrer,
        is_mobile: /Mobi/.test(navigator.userAgent)
      };
      known.tags = tags;
    }
    known.last = now;
    keep(KEY, JSON.stringify(known));
    return known;
  }

  function send() {
    clearTimeout(timer);
    timer = 0;
    if (!waiting.length || !isAllowed()) { waiting = []; return; }
    var first = waiting[0].of;
    var together = waiting.filter(function (one) { return one.of.visit.id === first.visit.id; }).slice(0, 50);
    waiting = waiting.filter(function (one) { return together.indexOf(one) < 0; });
    var body = JSON.stringify({
      visitor: first.visitor, visit: first.visit, sent_at: Date.now(),
      events: together.map(function (one) { return one.event; })
    });
    // Plain text, so that no browser asks for permission first.
    var sent = navigator.sendBeacon && navigator.sendBeacon(address, new Blob([body], { type: "text/plain" }));
    if (!sent) { fetch(address, { method: "POST", body: body, keepalive: true, mode: "no-cors" }).catch(function () {}); }
    if (waiting.length) { send(); }
  }

  function add(kind, more) {
    if (!isAllowed()) { return; }
    var event = { id: id(), at: Date.now(), kind: kind, page: location.href };
    for (var name in more) { if (more[name]) { event[name] = more[name]; } }
    waiting.push({ of: visitNow(), event: event });
    if (!timer) { timer = setTimeout(send, 1000); }
  }

  function seen() {
    var here = location.href.replace(/#.*$/, "");
    if (here !== page) { page = here; add("page", { name: document.title.slice(0, 300) }); }
  }

  // Of a form only the phone and the mailbox are read, by the kind and the name of the field.
  function contacts(form) {
    var found = {};
    Array.prototype.forEach.call(form.elements, function (field) {
      var label = ((field.name || "") + " " + (field.id || "") + " " + (field.autocomplete || "")).toLowerCase();
      var value = String(field.value || "").trim().slice(0, 300);
      if (!value || field.type === "password" || field.type === "hidden") { return; }
      if (!found.phone && (field.type === "tel" || /phone|tel|телефон/.test(label)) && value.replace(/\D/g, "").length >= 7) {
        found.phone = value;
      } else if (!found.email && (field.type === "email" || /mail|почт/.test(label)) && value.indexOf("@") > 0) {
        found.email = value;
      }
    });
    return found;
  }

  document.addEventListener("submit", function (event) {
    var form = event.target;
    var found = contacts(form);
    found.name = (form.getAttribute("name") || form.id || form.getAttribute("action") || "").slice(0, 300);
    add("form", found);
    send();
  }, true);

  document.addEventListener("click", function (event) {
    var link = event.target.closest ? event.target.closest("a[href^='tel:']") : null;
    if (link) { add("phone", { name: decodeURIComponent(link.getAttribute("href").slice(4)).slice(0, 300) }); send(); }
  }, true);

  ["pushState", "replaceState"].forEach(function (name) {
    var usual = history[name];
    history[name] = function () { var done = usual.apply(this, arguments); setTimeout(seen, 0); return done; };
  });
  addEventListener("popstate", function () { setTimeout(seen, 0); });
  addEventListener("pagehide", send);
  document.addEventListener("visibilitychange", function () { if (document.visibilityState === "hidden") { send(); } });

  window.rakurs = {
    goal: function (name, value) { add("goal", { name: String(name).slice(0, 300), value: Number(value) || 0 }); },
    identify: function (who) {
      add("form", {
        name: "identify", phone: String(who.phone || ""), email: String(who.email || ""), customer_id: String(who.customer_id || "")
      });
    },
    consent: function (agrees) {
      keep(AGREED, agrees ? "yes" : null);
      if (agrees) { page = ""; seen(); } else { waiting = []; keep(KEY, null); }
    }
  };
  seen();
})();
