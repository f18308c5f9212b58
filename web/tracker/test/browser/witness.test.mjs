// One process, so that these tests share one Chromium and, but for those that kill theirs, one router.
import './witness.mjs';
