package liveperson

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// bearing is h under a header that tells a revision.
func bearing(header, revision string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(header, revision)
		h(w, r)
	}
}

func at(revision, list string) http.HandlerFunc { return bearing("ac-revision", revision, body(list)) }

// matches is the If-Match of every request for path so far, each in <>.
func (f *fake) matches(path string) string {
	var all strings.Builder
	for _, a := range f.asked(path) {
		fmt.Fprintf(&all, "<%s>", a.match)
	}
	return all.String()
}

// userIDs are the ids of a list of users, in its order.
func userIDs(users []User) string {
	ids := make([]string, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	return strings.Join(ids, " ")
}

// mustList asks for the users and wants these.
func mustList(t *testing.T, c *Client, want string) {
	t.Helper()
	users, err := c.Users(context.Background())
	if got := userIDs(users); err != nil || got != want {
		t.Errorf("users %q, want %q: %v", got, want, err)
	}
}

func TestUnchangedListIsHeld(t *testing.T) {
	for _, bears := range [][2]string{{"ac-revision", "1204"}, {"ETag", `"a1+/=-b"`}, {"ETag", `W/"7"`}} {
		header, revision := bears[0], bears[1]
		f := newFake(t)
		f.on(usersPath, bearing(header, revision, body(`[{"id":1},{"id":2}]`)), status(304))
		f.on(skillsPath, bearing(header, revision, body(`[{"id":3,"name":"Sales"}]`)), status(304))
		c, _ := f.client()
		for range 3 {
			mustList(t, c, "1 2")
			skills, err := c.Skills(context.Background())
			if diff := cmp.Diff([]Skill{{ID: "3", Name: "Sales"}}, skills); diff != "" || err != nil {
				t.Error(diff, err)
			}
		}
		want := "<><" + revision + "><" + revision + ">"
		if got := f.matches(usersPath) + f.matches(skillsPath); got != want+want {
			t.Errorf("sent %s, want %s twice", got, want)
		}
	}
}

// What a caller does to its list is not what the next one gets.
func TestListIsTheCallers(t *testing.T) {
	f := newFake(t)
	f.on(usersPath, at("5", `[{"id":1}]`), status(304))
	c, _ := f.client()
	for range 3 {
		mustList(t, c, "1")
		users, _ := c.Users(context.Background())
		users[0].ID = "spoiled"
	}
}

// Each list has its own revision, though both are the account's number: what
// was read of one says nothing of the other.
func TestListsAreHeldApart(t *testing.T) {
	f := newFake(t)
	f.on(usersPath, at("5", `[{"id":1}]`))
	f.on(skillsPath, at("5", `[]`))
	c, _ := f.client()
	mustList(t, c, "1")
	if _, err := c.Skills(context.Background()); err != nil || f.matches(skillsPath) != "<>" {
		t.Errorf("skills were asked for with %s: %v", f.matches(skillsPath), err)
	}
}

// The newest answer is the one that is held, also one that bears no revision.
func TestChangedListReplacesWhatIsHeld(t *testing.T) {
	f := newFake(t)
	f.on(usersPath, at("5", `[{"id":1}]`), at("6", `[{"id":2}]`), status(304), body(`[{"id":3}]`), at("8", `[{"id":4}]`), status(304))
	c, _ := f.client()
	for _, want := range []string{"1", "2", "2", "3", "4", "4"} {
		mustList(t, c, want)
	}
	if got := f.matches(usersPath); got != "<><5><6><6><><8>" {
		t.Errorf("sent %s", got)
	}
}

// A revision counts when its answer was read to the end, and not before.
func TestCutAnswerIsNotHeld(t *testing.T) {
	const list = `[{"id":1},{"id":2}]`
	f := newFake(t)
	f.on(usersPath, bearing("ac-revision", "5", cut(list, 12)))
	c, _ := f.client()
	if users, err := c.Users(context.Background()); err == nil || users != nil {
		t.Fatalf("half a list was taken: %v %v", users, err)
	}
	f.on(usersPath, at("6", list))
	mustList(t, c, "1 2")
	mustList(t, c, "1 2")
	if got := f.matches(usersPath); strings.Trim(got, "<>") != "6" || !strings.HasSuffix(got, "<6>") {
		t.Errorf("sent %s", got)
	}
}

// Repeats of a request are the same request, and what a failed attempt had
// begun to tell is nowhere in what the next one answers.
func TestRepeatsSendTheSameRevision(t *testing.T) {
	const news = `[{"id":7},{"id":8},{"id":9}]`
	failures := []http.HandlerFunc{status(503), status(429), hangUp, status(401), bearing("ac-revision", "6", cut(news, 20))}
	for want, last := range map[string]http.HandlerFunc{"1 2": status(304), "7 8 9": at("6", news)} {
		f := newFake(t)
		f.on(usersPath, append(append([]http.HandlerFunc{at("5", `[{"id":1},{"id":2}]`)}, failures...), last)...)
		c, _ := f.client()
		mustList(t, c, "1 2")
		mustList(t, c, want)
		if got := f.matches(usersPath); got != "<>"+strings.Repeat("<5>", len(failures)+1) {
			t.Errorf("sent %s", got)
		}
	}
}

// Whatever fails while a revision was sent: the next request asks for all.
func TestFailureForgetsTheRevision(t *testing.T) {
	for name, bad := range map[string]http.HandlerFunc{
		"400": status(400), "403": status(403), "404": status(404), "500": status(500), "302": status(302, "Location", "/elsewhere"),
		"204": status(204), "not a list": at("6", `{}`), "cut": bearing("ac-revision", "6", cut(`[{"id":2}]`, 5)),
	} {
		f := newFake(t)
		f.on(usersPath, at("5", `[{"id":1}]`))
		c, _ := f.client()
		mustList(t, c, "1")
		f.on(usersPath, bad)
		if users, err := c.Users(context.Background()); err == nil || users != nil {
			t.Errorf("%s: users %v", name, users)
		}
		f.on(usersPath, at("5", `[{"id":1}]`))
		mustList(t, c, "1")
		if asked := f.asked(usersPath); asked[1].match != "5" || asked[len(asked)-1].match != "" {
			t.Errorf("%s: sent %s", name, f.matches(usersPath))
		}
	}
}

// A server that keeps to the letter of If-Match is asked again at once, and
// one that answers so without it is not.
func TestFailedMatchMeansChanged(t *testing.T) {
	f := newFake(t)
	f.on(usersPath, at("5", `[{"id":1}]`), status(412), at("6", `[{"id":2}]`), status(304), status(412))
	c, _ := f.client()
	for _, want := range []string{"1", "2", "2"} {
		mustList(t, c, want)
	}
	if users, err := c.Users(context.Background()); mustAPIError(t, err).Status != 412 || users != nil {
		t.Errorf("users %v", users)
	}
	if _, err := c.Users(context.Background()); mustAPIError(t, err).Status != 412 {
		t.Error(err)
	}
	if got := f.matches(usersPath); got != "<><5><><6><6><><>" {
		t.Errorf("sent %s", got)
	}
}

// A 304 is no answer to who holds nothing: it must not pass for an empty list.
func TestUnaskedNotModifiedIsAnError(t *testing.T) {
	f := newFake(t)
	f.on(usersPath, status(304))
	c, _ := f.client()
	users, err := c.Users(context.Background())
	if mustAPIError(t, err).Status != 304 || users != nil {
		t.Errorf("users %v", users)
	}
}

// What a server sends as a revision comes back in our header, so only what
// looks like one does; and "*" would match for ever.
func TestUnfitRevisionsAreNotSent(t *testing.T) {
	for _, unfit := range []string{"", "*", `"*"`, "5, 6", "5 6", "a;b", "é", strings.Repeat("5", 129), `"`, `W/""`} {
		f := newFake(t)
		f.on(usersPath, at(unfit, `[{"id":1}]`))
		c, _ := f.client()
		mustList(t, c, "1")
		mustList(t, c, "1")
		if got := f.matches(usersPath); got != "<><>" {
			t.Errorf("%q: sent %s", unfit, got)
		}
	}
	f := newFake(t)
	f.on(usersPath, bearing("ETag", "7", at("*", `[]`)))
	c, _ := f.client()
	mustList(t, c, "")
	mustList(t, c, "")
	if got := f.matches(usersPath); got != "<><7>" {
		t.Errorf("the other header: sent %s", got)
	}
}

// Once a day all is asked for, also when LivePerson goes on saying that
// nothing has changed.
func TestRevisionIsTrustedForADay(t *testing.T) {
	f := newFake(t)
	change := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-Match") != "" {
			w.WriteHeader(304)
			return
		}
		at("5", fmt.Sprintf(`[{"id":%d}]`, len(f.asked(usersPath))))(w, r)
	}
	f.on(usersPath, change)
	c, clk := f.client()
	mustList(t, c, "1")
	for _, step := range []struct {
		later time.Duration
		want  string
	}{{23 * time.Hour, "1"}, {time.Hour - 1, "1"}, {1, "4"}, {24*time.Hour - 1, "4"}, {1, "6"}} {
		if err := clk.wait(context.Background(), step.later); err != nil {
			t.Fatal(err)
		}
		mustList(t, c, step.want)
	}
}

// A list that was asked for after a change has the change, whatever others
// ask for at the same time. The account's n-th revision has n users.
func TestNoUpdateIsLostBetweenCallers(t *testing.T) {
	f := newFake(t)
	var revision atomic.Int64
	f.on(usersPath, func(w http.ResponseWriter, r *http.Request) {
		n := revision.Load()
		if r.Header.Get("If-Match") == strconv.FormatInt(n, 10) {
			w.WriteHeader(304)
			return
		}
		at(strconv.FormatInt(n, 10), "["+strings.TrimSuffix(strings.Repeat(`{"id":1},`, int(n)), ",")+"]")(w, r)
	})
	c, _ := f.client(func(c *Config) { c.Concurrency = 8 })
	var callers sync.WaitGroup
	for caller := range 8 {
		callers.Go(func() {
			for i := range 40 {
				if i%4 == caller%4 {
					revision.Add(1)
				}
				least := revision.Load()
				users, err := c.Users(context.Background())
				if most := revision.Load(); err != nil || int64(len(users)) < least || int64(len(users)) > most {
					t.Errorf("%d users, want %d to %d: %v", len(users), least, most, err)
				}
			}
		})
	}
	callers.Wait()
}

func TestCheckAsksForAll(t *testing.T) {
	f := newFake(t)
	f.on(usersPath, at("5", `[{"id":1}]`))
	f.on(skillsPath, bearing("Date", noon.Format(http.TimeFormat), at("5", `[]`))) // the last probe but the clock's
	c, _ := f.client()
	ask := func() {
		mustList(t, c, "1")
		if _, err := c.Skills(context.Background()); err != nil {
			t.Error(err)
		}
	}
	ask()
	for range 2 {
		if failed, _ := failing(c.Check(context.Background())); failed != "" {
			t.Errorf("failed %s", failed)
		}
	}
	ask() // what the client itself holds is as it was
	if got := f.matches(usersPath) + f.matches(skillsPath); got != "<><><><5><><><><5>" {
		t.Errorf("sent %s", got)
	}
}
