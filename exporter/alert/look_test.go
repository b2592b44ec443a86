package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/exporter"
)

// watched is a Watch whose overview, clock and command are the test's.
type watched struct {
	*Watch
	t     *testing.T
	now   time.Time
	o     exporter.Overview
	blind error // of the overview
	deaf  error // of the command
	told  []notification
	log   strings.Builder
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	w := &watched{t: t, now: noon, o: calm(nil)}
	made, err := New(Settings{
		Bounds: bounds, Command: []string{"tell"}, Account: "12345678",
		Overview: func(context.Context) (exporter.Overview, error) { return w.o, w.blind },
		Log:      slog.New(slog.NewTextHandler(&w.log, nil)),
		Now:      func() time.Time { return w.now },
		Run: func(_ context.Context, _ string, _, _ []string, stdin []byte) error {
			if w.deaf != nil {
				return w.deaf
			}
			var n notification
			if err := json.Unmarshal(stdin, &n); err != nil {
				return err
			}
			w.told = append(w.told, n)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Watch = made
	return w
}

// look lets a minute pass and looks. What was told is given in short, as
// "name/subject state"; nothing told is "".
func (w *watched) look() string {
	w.t.Helper()
	w.now = w.now.Add(time.Minute)
	w.told = nil
	w.Look(w.t.Context())
	var list []string
	for _, n := range w.told {
		for _, c := range n.Conditions {
			list = append(list, strings.TrimSuffix(c.Name+"/"+c.Subject, "/")+" "+c.State)
		}
	}
	if len(w.told) > 1 {
		w.t.Errorf("one look told %d times", len(w.told))
	}
	return strings.Join(list, ", ")
}

// looks wants what each look tells, one after the other.
func (w *watched) looks(want ...string) {
	w.t.Helper()
	for i, each := range want {
		if got := w.look(); got != each {
			w.t.Errorf("look %d told %q, want %q", i+1, got, each)
		}
	}
}

func (w *watched) fail() { w.o.Destinations[1].FailingSince = noon.Add(-2 * time.Hour) }
func (w *watched) heal() { w.o.Destinations[1].FailingSince = time.Time{} }

func TestAConditionIsToldOnceItHasHeldAndOnceItIsGone(t *testing.T) {
	w := newWatched(t)
	w.looks("", "")
	w.fail()
	w.looks("", "failing/vault firing", "", "", "")
	w.heal()
	w.looks("", "failing/vault resolved", "", "")
	w.fail()
	w.looks("", "failing/vault firing")
}

func TestWhatFlapsIsNotTold(t *testing.T) {
	w := newWatched(t)
	for range 5 {
		w.fail()
		w.looks("")
		w.heal()
		w.looks("")
	}
	w.fail()
	w.looks("", "failing/vault firing")
	for range 5 {
		w.heal()
		w.looks("")
		w.fail()
		w.looks("")
	}
}

func TestAllOfALookIsOneNotificationTheWorstFirst(t *testing.T) {
	w := newWatched(t)
	wrong(&w.o)
	w.looks("quarantine firing, expiry/webhook certificate firing",
		"lag firing, halted/local firing, failing/vault firing, refused firing, silence firing, unconfirmed firing", "")
	w.o = calm(func(o *exporter.Overview) { o.Lag, o.Watermark = 2*time.Hour, noon.Add(-2*time.Hour) })
	w.o.Destinations[1].Halted = true
	w.looks("", "halted/vault firing, halted/local resolved, failing/vault resolved, refused resolved, silence resolved, "+
		"quarantine resolved, unconfirmed resolved, expiry/webhook certificate resolved", "")
}

func TestWhatLastsIsToldAgainAfterRepeat(t *testing.T) {
	w := newWatched(t)
	w.fail()
	w.looks("", "failing/vault firing")
	w.now = w.now.Add(bounds.Repeat - 2*time.Minute)
	w.looks("", "failing/vault firing", "")
	w.now = w.now.Add(bounds.Repeat)
	w.Repeat = 0
	w.looks("", "")
}

func TestGrowingQuarantineIsTold(t *testing.T) {
	w := newWatched(t)
	for _, c := range []struct {
		waiting int
		want    string
	}{
		{2, "quarantine firing"}, {2, ""}, {3, "quarantine firing"}, {1, ""}, {1, ""}, {2, "quarantine firing"},
		{0, ""}, {1, "quarantine firing"}, {0, ""}, {0, "quarantine resolved"}, {0, ""}, {1, "quarantine firing"},
	} {
		w.o.Quarantined = c.waiting
		w.looks(c.want)
	}
}

func TestANotificationThatFailsIsMadeAgain(t *testing.T) {
	w := newWatched(t)
	w.fail()
	w.deaf = errors.New("no way")
	w.looks("", "", "")
	w.o.Quarantined = 1
	w.looks("")
	w.deaf = nil
	w.looks("failing/vault firing, quarantine firing", "")

	w.deaf = errors.New("no way")
	w.heal()
	w.looks("", "", "")
	w.deaf = nil
	w.looks("failing/vault resolved", "")

	// What began and ended meanwhile is told by its end.
	w.deaf = errors.New("another way")
	w.fail()
	w.looks("", "")
	w.heal()
	w.looks("", "", "")
	w.deaf = nil
	w.looks("failing/vault resolved", "")
}

func TestFailuresToTellAreLoggedWhenTheyChange(t *testing.T) {
	w := newWatched(t)
	w.o.Quarantined = 1
	for _, each := range []error{errors.New("no way"), errors.New("no way"), errors.New("another\nway"), nil, nil} {
		w.deaf = each
		w.look()
	}
	want := `level=ERROR msg="an alert could not be told: tried again at the next look" error="no way"
level=ERROR msg="an alert could not be told: tried again at the next look" error="another way"
level=INFO msg="alerts are told again"
`
	if diff := cmp.Diff(want, untimed(w.log.String())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// untimed takes the times out of a log.
func untimed(log string) string {
	var lines []string
	for line := range strings.Lines(log) {
		_, rest, _ := strings.Cut(line, " ")
		lines = append(lines, rest)
	}
	return strings.Join(lines, "")
}

func TestAStateThatCannotBeReadIsToldAndChangesNothingElse(t *testing.T) {
	w := newWatched(t)
	w.fail()
	w.looks("", "failing/vault firing")
	w.blind = errors.New("checkpoint: not a database")
	w.looks("", "state firing", "")
	w.blind = nil
	w.looks("", "state resolved", "")
	if diff := cmp.Diff("level=ERROR msg=\"alerts cannot look at the state\" error=\"checkpoint: not a database\"\n"+
		"level=INFO msg=\"alerts look at the state again\"\n", untimed(w.log.String())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestRefusedAndFailedCyclesAreToldWithTheirReason(t *testing.T) {
	w := newWatched(t)
	ended := func(result exporter.CycleResult, why string) {
		w.o.LastCycle = exporter.CycleStatus{Started: w.now, Ended: w.now, Since: w.now, Result: result, Error: why}
	}
	ended(exporter.CycleComplete, "")
	w.looks("", "")
	ended(exporter.CycleIncomplete, "search: status 500")
	w.looks("", "")
	ended(exporter.CycleRefused, "log in: refused with status 401")
	w.looks("", "login firing", "")
	if got, want := w.tracks[key{Login, ""}].Text, "LivePerson refused the login: nothing is captured until that is mended: log in: refused with status 401"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	ended(exporter.CycleFailed, "no space left on device")
	w.looks("", "cycle firing, login resolved", "")
	ended(exporter.CycleComplete, "")
	w.looks("", "cycle resolved", "")
}

func TestNotificationAsItIsTold(t *testing.T) {
	w := newWatched(t)
	w.Commands = func(hint string) string { return hint + " --config a.yaml" }
	w.o.Quarantined = 1
	w.fail()
	w.o.Destinations[1].LastError = "<no> & way"
	w.look()
	w.look()
	w.heal()
	var body string
	w.Run = func(_ context.Context, _ string, _, _ []string, stdin []byte) error { body = string(stdin); return nil }
	w.o.Quarantined = 2
	w.look()
	w.o.Quarantined = 3
	w.look()
	want := `{"schema":"lpexport/alert/v1","account":"12345678","at":"2026-03-02T12:04:00Z","conditions":[` +
		`{"name":"quarantine","subject":"","state":"firing","since":"2026-03-02T12:01:00Z","text":"3 items wait for a person","hint":"lpexport quarantine list --config a.yaml"},` +
		`{"name":"failing","subject":"vault","state":"resolved","since":"2026-03-02T10:00:00Z","text":"destination vault has been failing for 2h00m: <no> & way","hint":""}]}` + "\n"
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAStopIsNoFailure(t *testing.T) {
	w := newWatched(t)
	w.o.Quarantined = 1
	ctx, stop := context.WithCancel(t.Context())
	run := w.Run
	w.Run = func(ctx context.Context, _ string, _, _ []string, _ []byte) error { stop(); return context.Cause(ctx) }
	w.Look(ctx)
	w.Look(ctx) // and with an end at hand nothing is begun
	w.Run = run
	w.looks("quarantine firing")
	if w.log.Len() > 0 {
		t.Errorf("logged: %s", &w.log)
	}
}

// TestWhoIsToldKnowsWhatHolds lets states and failures to tell follow each other
// at random. Once both have been calm for two looks, what was told adds up to
// what holds.
func TestWhoIsToldKnowsWhatHolds(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 0))
		w := newWatched(t)
		w.Repeat = 0
		known := map[string]bool{}
		learn := func() {
			w.look()
			for _, n := range w.told {
				for _, c := range n.Conditions {
					known[c.Name+"/"+c.Subject] = c.State == firing
				}
			}
		}
		for range rng.IntN(40) {
			w.o.Quarantined = rng.IntN(3)
			w.o.Destinations[0].Halted = rng.IntN(2) == 0
			w.heal()
			if rng.IntN(2) == 0 {
				w.fail()
			}
			w.deaf, w.blind = nil, nil
			if rng.IntN(3) == 0 {
				w.deaf = errors.New("no way")
			}
			if rng.IntN(6) == 0 {
				w.blind = errors.New("not a database")
			}
			for range 1 + rng.IntN(3) {
				learn()
			}
		}
		w.deaf, w.blind = nil, nil
		learn()
		learn()
		want := map[string]bool{}
		for _, c := range Conditions(w.o, bounds) {
			want[c.Name+"/"+c.Subject] = true
		}
		for name, fires := range known {
			if !fires {
				want[name] = false
			}
		}
		if diff := cmp.Diff(want, known); diff != "" {
			t.Fatalf("seed %d: (-want +got)\n%s", seed, diff)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		s    Settings
		want string
	}{
		{Settings{}, "alert command: neither a command nor a URL is given"},
		{Settings{Command: []string{"a"}, URL: "https://alerts.example/secret"}, "alert command: a command and a URL exclude each other"},
		{Settings{Command: []string{""}}, "alert command: the name of the program is empty"},
		{Settings{URL: "http://alerts.example/secret"}, "alert URL: must begin with https:// unless the host is a loopback address"},
		{Settings{URL: "http://127.0.0.1.example/secret"}, "alert URL: must begin with https:// unless the host is a loopback address"},
		{Settings{URL: "ftp://alerts.example/secret"}, "alert URL: is not the URL of a web server"},
		{Settings{URL: "https:///secret"}, "alert URL: is not the URL of a web server"},
		{Settings{URL: "secret"}, "alert URL: is not the URL of a web server"},
		{Settings{URL: "https://alerts.example/%zzsecret"}, "alert URL: is not the URL of a web server"},
	} {
		_, err := New(c.s)
		if _, typed := errors.AsType[*SettingError](err); !typed || err.Error() != c.want {
			t.Errorf("%+v: %v, want %s", c.s, err, c.want)
		}
	}
	for _, good := range []string{"https://alerts.example", "http://127.0.0.1:80/x", "http://[::1]:80/x?y", "http://localhost/x"} {
		if _, err := New(Settings{URL: good}); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

func ExampleConditions() {
	o := exporter.Overview{At: noon}
	o.Quarantined = 2
	for _, c := range Conditions(o, Bounds{}) {
		fmt.Println(c.Name, "-", c.Text, "-", c.Hint)
	}
	// Output: quarantine - 2 items wait for a person - lpexport quarantine list
}
