// One process, so that these tests share one Chromium and, but for those that need settings, one router.
import './router.mjs';
import './tls.mjs';
