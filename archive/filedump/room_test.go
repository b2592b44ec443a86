package filedump_test

import (
	gocmp "cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
	"lpexport/archive/filedump"
)

// times of a LoginName, in milliseconds behind begin.
func times(c filedump.Conversation, kind, login string) []int64 {
	var list []int64
	for _, e := range of(c, kind) {
		if e.LoginName == login {
			list = append(list, e.At-begin)
		}
	}
	return list
}

func TestEverybodyEntersAndLeaves(t *testing.T) {
	one := func(kind string, at int64) archive.Happening {
		return happening(kind, at, func(h *archive.Happening) { h.By, h.Participant = ana.ID, ana.ID })
	}
	for name, c := range map[string]struct {
		happened      []archive.Happening
		said          []int64 // in seconds
		entered, left []int64
	}{
		"silent":               {nil, nil, []int64{0}, []int64{60_000}},
		"speaks":               {nil, []int64{5}, []int64{0}, []int64{60_000}},
		"joins":                {[]archive.Happening{one(archive.Joined, 2000)}, []int64{5}, []int64{2000}, []int64{60_000}},
		"leaves":               {[]archive.Happening{one(archive.Left, 7000)}, []int64{5}, []int64{0}, []int64{7000}},
		"joins and leaves":     {[]archive.Happening{one(archive.Joined, 2000), one(archive.Left, 7000)}, nil, []int64{2000}, []int64{7000}},
		"speaks before":        {[]archive.Happening{one(archive.Joined, 8000)}, []int64{5, 9}, []int64{0, 8000}, []int64{60_000}},
		"speaks after":         {[]archive.Happening{one(archive.Left, 2000)}, []int64{1, 5}, []int64{0}, []int64{2000, 60_000}},
		"leaves and comes":     {[]archive.Happening{one(archive.Left, 2000), one(archive.Joined, 4000)}, nil, []int64{0, 4000}, []int64{2000, 60_000}},
		"comes twice":          {[]archive.Happening{one(archive.Joined, 1000), one(archive.Left, 2000), one(archive.Joined, 4000)}, nil, []int64{1000, 4000}, []int64{2000, 60_000}},
		"sends before":         {[]archive.Happening{filed(2000, ana.ID, "", attachment("")), one(archive.Joined, 8000)}, nil, []int64{0, 8000}, []int64{60_000}},
		"sends after":          {[]archive.Happening{one(archive.Left, 2000), filed(4000, ana.ID, "", attachment(""))}, nil, []int64{0}, []int64{2000, 60_000}},
		"speaks as he leaves":  {[]archive.Happening{one(archive.Left, 5000)}, []int64{5}, []int64{0}, []int64{5000}},
		"speaks as he arrives": {[]archive.Happening{one(archive.Joined, 5000)}, []int64{5}, []int64{5000}, []int64{60_000}},
	} {
		s := first()
		s.Happened = append(c.happened, happening(archive.Closed, 60_000, func(*archive.Happening) {}))
		s.Messages = s.Messages[:1]
		for _, second := range c.said {
			s.Messages = append(s.Messages, message(second, ana, "text"))
		}
		got := read(t, dump(t, settings("mattermost"), s))[0]
		if diff := cmp.Diff(c.entered, times(got, "ParticipantEntered", ana.Address)); diff != "" {
			t.Errorf("%s: entered %s", name, diff)
		}
		if diff := cmp.Diff(c.left, times(got, "ParticipantLeft", ana.Address)); diff != "" {
			t.Errorf("%s: left %s", name, diff)
		}
	}
}

// Everybody who says something, and the notes' writer, is in the lists, which
// are sorted by time and LoginName.
func TestListsAreWholeAndSorted(t *testing.T) {
	s := first()
	stranger := archive.Participant{ID: "a-99", Role: "agent", Kind: "unknown"}
	s.Messages = append(s.Messages, message(9, stranger, "who am I"), message(10, archive.Participant{}, "nobody"))
	for i := range 500 {
		s.Participants = append(s.Participants, archive.Participant{ID: fmt.Sprint(1000 - i), Role: "agent", Kind: "human"})
	}
	for _, order := range orders {
		set := settings(order)
		set.TimeUnit = "ms"
		c := read(t, dump(t, set, s))[0]
		for _, kind := range []string{"ParticipantEntered", "ParticipantLeft"} {
			list := of(c, kind)
			there := map[string]bool{}
			for _, e := range list {
				there[e.LoginName] = true
			}
			for _, e := range of(c, "Message") {
				if !there[e.LoginName] {
					t.Errorf("%s: %s speaks and is not in the list of %s", order, e.LoginName, kind)
				}
			}
			if len(there) != 500+4+3 || !there["unknown"] || !there["a-99"] {
				t.Errorf("%s: %d people in %s", order, len(there), kind)
			}
			if !slices.IsSortedFunc(list, func(a, b filedump.Element) int {
				return gocmp.Or(gocmp.Compare(a.At, b.At), gocmp.Compare(a.LoginName, b.LoginName))
			}) {
				t.Errorf("%s: %s is not sorted", order, kind)
			}
		}
	}
}

func TestInternalAndCorporate(t *testing.T) {
	person := func(role, kind, login, address string) archive.Participant {
		return archive.Participant{ID: "x", Role: role, Kind: kind, Login: login, Email: "own@mail.example", Address: address}
	}
	for _, c := range []struct {
		p                         archive.Participant
		internal, corporate, user string
	}{
		{person("agent", "human", "", "a@firm.example"), "true", "a@firm.example", "user"},
		{person("agent", "human", "", "a@eu.FIRM.example"), "true", "a@eu.FIRM.example", "user"},
		{person("agent", "human", "", "a@notfirm.example"), "false", "a@notfirm.example", "user"},
		{person("agent", "human", "", "a@firm.example.evil.test"), "false", "a@firm.example.evil.test", "user"},
		{person("agent", "bot", "", "bot@other.example"), "false", "", "bot"},
		{person("manager", "human", "max", ""), "true", "own@mail.example", "user"},
		{person("system", "system", "", ""), "true", "", "bot"},
		{person("consumer", "human", "", "c@visitors.example"), "false", "", "user"},
		{person("consumer", "human", "", "c@firm.example"), "false", "", "user"},
		{person("consumer", "human", "ana", ""), "false", "", "user"},
		{person("", "unknown", "", ""), "false", "", "user"},
	} {
		s := archive.Slice{Number: 1, Revision: 1, Participants: []archive.Participant{c.p}}
		for _, order := range orders {
			login := c.p.Address
			if login == "" {
				login = c.p.Login
			}
			if login == "" {
				login = c.p.ID
			}
			for _, kind := range []string{"ParticipantEntered", "ParticipantLeft"} {
				var got filedump.Element
				for _, e := range of(read(t, dump(t, settings(order), s))[0], kind) {
					if e.LoginName == login {
						got = e
					}
				}
				want := filedump.Element{Kind: kind, LoginName: login, UserType: c.user, CorporateEmailID: c.corporate}
				if order != "mattermost" {
					want.UserType, want.InternalFlag = "", c.internal
				}
				if order == "vendor" {
					want.CorporateEmailID = ""
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, %+v:\n%s", order, c.p, diff)
				}
			}
		}
	}
}
