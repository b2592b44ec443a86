package sandbox

import (
	"slices"
	"strconv"
	"time"
)

// The people, bots and skills of the account.
const (
	staff         = 12 // persons who serve, numbered from 0; the last two have left the company
	botNumber     = 12
	managerNumber = 13
	systemNumber  = 14 // asks the survey's questions
	users         = 15
	liveSkills    = 5
)

type skill struct {
	id      int64
	name    string
	deleted bool
}

var skills = []skill{
	{3100000111, "Orders", false},
	{3100000112, "Billing", false},
	{3100000113, "Technical Support", false},
	{3100000114, "Rücksendungen", false},
	{3100000115, "Priority Customers", false},
	{3100000109, "Old Hotline", true},
}

// skillNumber is the id of skill n. Those that a NewSkill begins count on.
func skillNumber(n int) int64 {
	if n < len(skills) {
		return skills[n].id
	}
	return 3100000200 + int64(n)
}

func skillID(n int) string { return strconv.FormatInt(skillNumber(n), 10) }

type group struct {
	id   int64
	name string
}

var groups = []group{{-1, "Unassigned"}, {4100000001, "Support Europe"}, {4100000002, "Back Office"}}

// AgentID is the id of staff member n: 0 to 11 are persons, 12 a bot, 13 the
// manager, 14 the system that asks survey questions.
func AgentID(n int) string { return strconv.Itoa(51000000 + 17*n) }

func appendAgentID(dst []byte, n int) []byte { return strconv.AppendInt(dst, int64(51000000+17*n), 10) }

// AgentPID is the other id of staff member n, by which events name them. It is
// the pid of their user.
func AgentPID(n int) string { return string(appendAgentPID(nil, n)) }

func appendAgentPID(dst []byte, n int) []byte {
	return appendUUID(dst, draw(saltPID, saltPID, 2*n), draw(saltPID, saltPID, 2*n+1))
}

func userType(n int) (code, name string) {
	switch n {
	case botNumber:
		return "2", "Bot"
	case systemNumber:
		return "0", "System"
	}
	return "1", "Human"
}

func groupOf(n int) group { return groups[n%len(groups)] }

// gone reports whether staff member n has left the company by then.
func (a *Account) gone(n int, at int64) bool {
	for _, c := range a.changed.Load().staff {
		if c.Kind == DeleteUser && c.Agent == n && c.At.UnixMilli() <= at {
			return true
		}
	}
	return n == staff-1 || n == staff-2
}

func login(n int) string {
	switch n {
	case botNumber:
		return "order-bot"
	case managerNumber:
		return "manager1@example.com"
	case systemNumber:
		return "system"
	}
	return "agent" + strconv.Itoa(n+1) + "@example.com"
}

// name is what staff member n is called at that time.
func (a *Account) name(n int, at int64) string {
	for _, c := range slices.Backward(a.changed.Load().staff) {
		if c.Kind == Rename && c.Agent == n && c.At.UnixMilli() <= at {
			return c.Text
		}
	}
	switch n {
	case botNumber:
		return "Order Bot"
	case managerNumber:
		return "Manager 1"
	case systemNumber:
		return "Survey"
	}
	if a.set.Hostile {
		return "Agent " + strconv.Itoa(n+1) + " " + hostile[n%len(hostile)]
	}
	return "Agent " + strconv.Itoa(n+1)
}

// customer is a consumer's name.
func (a *Account) customer(l *life) string {
	name := tongues[l.language].customer + " " + strconv.Itoa(l.consumer+1)
	if a.set.Hostile {
		name = hostile[l.consumer%len(hostile)] + " " + name
	}
	return name
}

// revision is the account's configuration revision: it grows with each change of
// a directory.
func (a *Account) revision(at int64) int {
	n, changed := 100, a.changed.Load()
	for _, list := range [][]Change{changed.staff, changed.skills} {
		for _, c := range list {
			if c.At.UnixMilli() <= at {
				n++
			}
		}
	}
	return n
}

// appendStamp appends a time as the API writes it, 2016-08-29 14:30:24.565+0000.
// It does by hand what time.Format does, as a page holds thousands of them.
func appendStamp(dst []byte, ms int64) []byte {
	t := time.UnixMilli(ms).UTC()
	year, month, day := t.Date()
	hour, min, sec := t.Clock()
	dst = appendPadded(dst, year, 4)
	dst = appendPadded(append(dst, '-'), int(month), 2)
	dst = appendPadded(append(dst, '-'), day, 2)
	dst = appendPadded(append(dst, ' '), hour, 2)
	dst = appendPadded(append(dst, ':'), min, 2)
	dst = appendPadded(append(dst, ':'), sec, 2)
	dst = appendPadded(append(dst, '.'), int(ms%1000), 3)
	return append(dst, "+0000"...)
}

func appendPadded(dst []byte, n, width int) []byte {
	var b [4]byte
	for i := width - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, b[:width]...)
}
