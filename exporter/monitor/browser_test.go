package monitor

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"lpexport/exporter"
	"lpexport/exporter/monitor/overviewtest"
)

var screenshots = flag.String("screenshots", "", "keep what the browser shows in `FOLDER`")

// browser starts Debian's chromium, which may look up no name and ask nobody but
// this machine. Without one the test is skipped, but not where CI has installed it.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI_REAL_SERVERS") == "1" {
			t.Fatalf("no chromium: %v", err)
		}
		t.Skip("no chromium: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(2*time.Minute),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), chromedp.Flag("disable-quic", true))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	return ctx
}

// observed is what a browser says of a page besides showing it.
type observed struct {
	mu       sync.Mutex
	said     []string
	requests []string
}

func (o *observed) listen(ev any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch e := ev.(type) {
	case *cdpruntime.EventConsoleAPICalled:
		o.said = append(o.said, fmt.Sprintf("console.%s", e.Type))
	case *cdpruntime.EventExceptionThrown:
		o.said = append(o.said, "exception: "+e.ExceptionDetails.Text)
	case *cdplog.EventEntryAdded:
		o.said = append(o.said, fmt.Sprintf("%s: %s", e.Entry.Level, e.Entry.Text))
	case *network.EventRequestWillBeSent:
		o.requests = append(o.requests, e.Request.URL)
	}
}

// looks are the ways in which the page is looked at.
var looks = []struct {
	name   string
	width  int64
	scheme string
}{{"desk", 1280, "light"}, {"desk", 1280, "dark"}, {"phone", 360, "light"}, {"phone", 360, "dark"}}

// A browser shows each page on a desk and on a phone, by day and by night: it
// has nothing to complain of, asks nobody else, and everything can be read.
func TestBrowser(t *testing.T) {
	ctx := browser(t)
	all := overviewtest.All()
	s := good()
	shown := "well"
	s.Overview = func(context.Context) (exporter.Overview, error) { return all[shown], nil }
	s.Commands = func(command string) string { return command + " --config /etc/lpexport/retail.yaml" }
	s.Now = func() time.Time { return time.Now().Add(time.Hour) }
	var seen observed
	if err := chromedp.Listen(ctx, seen.listen); err != nil {
		t.Fatal(err)
	}
	for _, shown = range []string{"first", "well", "wrong", "eleven", "hostile"} {
		// A handler of its own: it would show the former Overview for a second.
		server := httptest.NewServer(handler(t, s))
		for _, look := range looks {
			t.Run(shown+" "+look.name+" "+look.scheme, func(t *testing.T) {
				if err := chromedp.Do(ctx, emulated(look.width, look.scheme), chromedp.Navigate(server.URL+"/")); err != nil {
					t.Fatal(err)
				}
				keep(t, ctx, fmt.Sprintf("%s-%s-%s.png", shown, look.name, look.scheme))
				for _, fault := range faults(t, ctx, look.width, look.scheme) {
					t.Error(fault)
				}
			})
		}
		server.Close()
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	for _, said := range seen.said {
		t.Errorf("the browser says %s", said)
	}
	loaded := 0
	for _, asked := range seen.requests {
		u, err := url.Parse(asked)
		switch {
		case err == nil && u.Scheme == "data":
		case err == nil && u.Hostname() == "127.0.0.1" && u.Path == "/":
			loaded++
		default:
			t.Errorf("the page asks for %s", asked)
		}
	}
	if want := 5 * len(looks); loaded != want {
		t.Errorf("%d pages were asked for, want %d", loaded, want)
	}
}

// A command is taken whole by one click, so that it can be pasted.
func TestBrowserSelectsCommands(t *testing.T) {
	ctx := browser(t)
	s := good()
	s.Overview = func(context.Context) (exporter.Overview, error) { return overviewtest.Wrong(), nil }
	s.Commands = func(command string) string { return command + " --config '/etc/lp export/a.yaml'" }
	server := httptest.NewServer(handler(t, s))
	defer server.Close()
	if err := chromedp.Do(ctx, emulated(360, "light"), chromedp.Navigate(server.URL), chromedp.Click(chromedp.CSS(".verdict .command"))); err != nil {
		t.Fatal(err)
	}
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string]("getSelection().toString()"))
	if want := "lpexport check --config '/etc/lp export/a.yaml'"; err != nil || got != want {
		t.Errorf("%q is selected (%v), want %q", got, err, want)
	}
}

// The check of the page is one: it finds what is wrong with a page that is.
func TestBrowserFindsFaults(t *testing.T) {
	ctx := browser(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><meta name=viewport content="width=device-width"><body style="background:#fff">` +
			`<p style="width:500px;color:#999">pale and wide</p><a href=/metrics>x</a>`))
	}))
	defer server.Close()
	if err := chromedp.Do(ctx, emulated(360, "dark"), chromedp.Navigate(server.URL)); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(faults(t, ctx, 360, "dark"), "\n")
	for _, want := range []string{"wider than the window", "pale and wide", "to be hit by a finger", "is light", "0 days", "style sheet"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not found: %s", want, got)
		}
	}
}

// emulated is a window of a width, on a machine that prefers a colour scheme.
func emulated(width int64, scheme string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		view := chromedp.EmulateViewport(width, 800)
		if width < 600 {
			view = chromedp.EmulateViewport(width, 740, chromedp.EmulateMobile, chromedp.EmulateScale(2), chromedp.EmulateTouch)
		}
		if _, err := view(ctx, target); err != nil {
			return none, err
		}
		_, err = cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return none, err
	}
}

// faults asks the browser how the page came out.
func faults(t *testing.T, ctx context.Context, width int64, scheme string) []string {
	t.Helper()
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](fmt.Sprintf("(%s)(%d, %q)", inspect, width, scheme)))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// inspect returns what is wrong. Contrast is WCAG's: 4.5 for text, 3 for large text
// and for what is drawn; a target for fingers has 24 px.
const inspect = `(width, scheme) => {
	const found = [];
	const linear = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
	const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
	const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
	const contrast = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const c = channels(getComputedStyle(e).backgroundColor);
			if (c.length < 4 || c[3] > 0) return c;
		}
		return [255, 255, 255];
	};
	if (getComputedStyle(document.documentElement).getPropertyValue("--page") === "") found.push("the style sheet is not in force");
	const wide = document.documentElement.scrollWidth;
	if (wide > width) found.push("the page is wider than the window: " + wide);
	const light = luminance(behind(document.body)) > 0.5;
	if (light !== (scheme === "light")) found.push("the page is " + (light ? "light" : "dark"));
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n; (n = walker.nextNode());) {
		const e = n.parentElement;
		if (!n.data.trim() || e.closest("svg, .hidden")) continue;
		const s = getComputedStyle(e), size = parseFloat(s.fontSize);
		if (size < 12) found.push("text of " + size + " px: " + n.data.trim().slice(0, 40));
		const large = size >= 24 || size >= 18.66 && s.fontWeight >= 700;
		const got = contrast(channels(s.color), behind(e));
		if (got < (large ? 3 : 4.5)) found.push("contrast " + got.toFixed(2) + ": " + n.data.trim().slice(0, 40));
		const range = document.createRange();
		range.selectNodeContents(n);
		const box = range.getBoundingClientRect();
		if (box.right > width + 0.5 || box.left < 0) found.push("text is cut off: " + n.data.trim().slice(0, 40));
	}
	const days = [...document.querySelectorAll(".calendar .day rect:first-of-type")];
	if (days.length !== 400) found.push(days.length + " days");
	const small = days.filter((d) => { const b = d.getBoundingClientRect(); return b.width < 9 || b.height < 9; });
	if (small.length) found.push(small.length + " days are too small to be seen");
	const card = document.querySelector(".calendar") && behind(document.querySelector(".calendar"));
	for (const look of ["s2", "s3", "s4", "hole", "dot"]) {
		for (const d of document.querySelectorAll(".calendar ." + look)) {
			const s = getComputedStyle(d), drawn = look === "hole" ? s.stroke : s.fill;
			const limit = look === "s2" ? 2 : 3;
			if (contrast(channels(drawn), card) < limit) { found.push("a day of look " + look + " is hard to see"); break; }
		}
	}
	for (const a of document.querySelectorAll("a")) {
		const b = a.getBoundingClientRect();
		if (b.width < 24 || b.height < 24) found.push("a link is too small to be hit by a finger: " + a.textContent);
	}
	const waits = document.querySelector(".steps") && document.querySelector("#quarantine"); // after what is wrong, within a screen
	const below = waits && waits.getBoundingClientRect().top - document.querySelector("header").getBoundingClientRect().bottom;
	if (below > 740) found.push("what waits for a person stands " + Math.round(below) + " px down");
	if (document.querySelectorAll("h1").length !== 1) found.push("not one h1");
	for (const landmark of ["header", "main", "footer"]) {
		if (document.querySelectorAll("body > " + landmark).length !== 1) found.push("not one " + landmark);
	}
	for (const table of document.querySelectorAll("table")) {
		if (!table.caption || !table.caption.textContent) found.push("a table without a caption");
	}
	return found;
}`

func keep(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if *screenshots == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(*screenshots, name), png, 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}
