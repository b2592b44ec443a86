package sandbox

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Unkind is what an account does to who reads it, drawn from a seed: it changes
// between any two requests, and its searches err in well-formed answers. It keeps
// within bounds that leave it decidable what an archive must hold:
//
//   - What hides, delays or withholds anything ends by Calm. What Ever calls owed
//     is shown, or cut so that one can see it.
//   - Records that a page leaves out, hollow pages, shifts and counts that err now
//     and then are so many requests apart that none falls into two readings in a
//     row. Where the count errs for ever, pages leave nothing out.
//   - A zero that is none lasts for minutes, for all searches together.
//
// An account is unkind until Unkind's end and calm from Calm on.
type Unkind struct {
	mu       sync.Mutex
	random   *rand.Rand
	from     time.Time
	until    time.Time
	calm     time.Time
	over     bool
	accounts []*Account
	told     []string
}

// NewUnkind draws what happens from one time to another.
func NewUnkind(seed uint64, from, until time.Time) *Unkind {
	return &Unkind{random: rand.New(rand.NewPCG(seed, saltUnkind)), from: from, until: until, calm: until}
}

// Calm is when everything is shown again: no earlier than the end, and later by
// at most sixty days.
func (u *Unkind) Calm() time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.calm
}

// Overcounts reports whether searches count one more than there are, for ever. Who
// reads cannot know better, and may say so to the end.
func (u *Unkind) Overcounts() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.over
}

// Told are the changes so far, in words, for who wonders what has happened.
func (u *Unkind) Told() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]string(nil), u.told...)
}

// Begin has Act change these accounts. They are one: their settings differ in
// faults alone.
func (u *Unkind) Begin(accounts ...*Account) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.accounts = accounts
}

// Faults are those of the account. Requests of a search are counted from 1.
func (u *Unkind) Faults() (list []Fault) {
	u.mu.Lock()
	defer u.mu.Unlock()
	// Errors that nobody can take for an answer.
	list = append(list,
		Fault{Kind: Status, Share: 0.02, Until: u.until}, Fault{Kind: Cut, Route: Search, Share: 0.02, Fraction: 0.6, Until: u.until},
		Fault{Kind: PartialResult, Route: Search, Share: 0.02, Until: u.until}, Fault{Kind: PartialRecord, Share: 0.05, Until: u.until})
	if u.one(4) {
		u.over = u.one(3)
		by := map[bool]int{true: 1, false: -1}[u.over]
		list = append(list, Fault{Kind: CountOff, Route: Search, By: by}) // for ever
	} else {
		for _, k := range []Kind{Omit, Hollow, Shift, CountOff} {
			if u.one(2) {
				list = append(list, Fault{Kind: k, Route: Search, Nth: u.apart(), By: 1 - 2*u.random.IntN(2), Until: u.until})
			}
		}
	}
	if u.one(3) {
		list = append(list, Fault{Kind: Short, Route: Search, By: 20 + u.random.IntN(60), Share: []float64{0, 0.2}[u.random.IntN(2)]})
	}
	if u.one(2) {
		list = append(list, Fault{Kind: Ties, Route: Search})
	}
	if u.one(4) {
		list = append(list, Fault{Kind: Wide, Route: Search, Delay: 3 * time.Hour, Share: []float64{0, 0.1}[u.random.IntN(2)], Until: u.until})
	}
	if u.one(3) {
		list = append(list, Fault{Kind: Foreign, Share: 0.1})
	}
	if u.one(2) {
		list = append(list, u.outages()...)
	}
	return list
}

func (u *Unkind) one(of int) bool { return u.random.IntN(of) == 0 }

// apart are numbers of requests that are far from one another.
func (u *Unkind) apart() (numbers []int) {
	for n := 1 + u.random.IntN(30); n < 5000; n += 30 + u.random.IntN(60) {
		numbers = append(numbers, n)
	}
	return numbers
}

// outages are times of some minutes or hours in which every search finds nothing.
// The first comes when who reads has had three days to find something.
func (u *Unkind) outages() (list []Fault) {
	for at := u.from.Add(72 * time.Hour); ; {
		at = at.Add(time.Duration(1+u.random.IntN(30)) * time.Hour)
		lasts := time.Duration(3+u.random.IntN(300)) * time.Minute
		if !at.Add(lasts).Before(u.until) {
			return list
		}
		list = append(list, Fault{Kind: Zero, Route: Search, From: at, Until: at.Add(lasts)})
		at = at.Add(lasts)
	}
}

// Act changes the account, or does not. It is meant for Settings.Observe, and for
// the times between two runs.
func (u *Unkind) Act() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.accounts) == 0 {
		return
	}
	a := u.accounts[0]
	now := a.set.Now()
	if now.Before(u.from) || !now.Before(u.until) || !u.one(6) {
		return
	}
	started := len(a.started(a.shownAt(now)))
	c := Change{At: time.UnixMilli(a.shownAt(now)).UTC(), Conversation: u.near(started), Message: Whole}
	switch p := u.random.IntN(100); {
	case p < 20:
		c.Kind = Remove
	case p < 40:
		c.Kind, c.Until, c.Scope = Hide, u.soon(now), Scope(u.random.IntN(3))
		if u.one(2) {
			c.Conversation = started + u.random.IntN(10) // it is not there when it starts
		}
	case p < 55:
		c.Kind, c.Until, c.Scope = Delay, u.soon(now), Scope(u.random.IntN(2))
	case p < 70:
		c.Kind, c.Until, c.Scope, c.Silent = Withhold, now.Add(u.upTo(48*time.Hour)), Scope(u.random.IntN(3)), u.one(2)
	case p < 75:
		c.Kind = Show
	case p < 90:
		c.Kind, c.Message = []ChangeKind{Edit, Mask, Erase}[u.random.IntN(3)], u.random.IntN(4)
		c.Text = fmt.Sprint("Changed words ", u.random.IntN(1000))
	case p < 93:
		c.Kind = Metadata
	case p < 96:
		c.Kind, c.Agent, c.Text = Rename, u.random.IntN(staff), fmt.Sprint("Agent of another name ", u.random.IntN(1000))
	default:
		c.Kind, c.Skill, c.Text = RenameSkill, u.random.IntN(len(skills)), fmt.Sprint("Skill of another name ", u.random.IntN(1000))
	}
	u.do(c, now)
}

func (u *Unkind) do(c Change, now time.Time) {
	if shown := c.Until.Add(u.accounts[0].set.Freshness); shown.After(u.calm) {
		u.calm = shown
	}
	u.told = append(u.told, fmt.Sprintf("%s: change %d of conversation %d, message %d, scope %d, silent %v, until %s",
		now.Format(time.DateTime), c.Kind, c.Conversation, c.Message, c.Scope, c.Silent, c.Until.Format(time.DateTime)))
	for _, a := range u.accounts {
		a.Apply(c)
	}
}

// near is a conversation that has started, rather a young one.
func (u *Unkind) near(started int) int {
	back := started
	if !u.one(3) {
		back = min(started, 40)
	}
	return started - 1 - u.random.IntN(max(back, 1))
}

// soon is some time after now: mostly within three days, now and then within five
// weeks or sixty days.
func (u *Unkind) soon(now time.Time) time.Time {
	switch u.random.IntN(10) {
	case 0:
		return now.Add(u.upTo(60 * 24 * time.Hour))
	case 1, 2:
		return now.Add(u.upTo(35 * 24 * time.Hour))
	}
	return now.Add(u.upTo(3 * 24 * time.Hour))
}

func (u *Unkind) upTo(d time.Duration) time.Duration { return time.Duration(u.random.Int64N(int64(d))) }
