package sandbox

// way is how a conversation is asked for.
type way int

const (
	bySearch way = iota
	byBatch      // with conversationIds
	singly       // with conversationId, and for its files
)

func (s Scope) has(w way) bool {
	switch s {
	case Searches:
		return w == bySearch
	case Batches:
		return w != singly
	}
	return true
}

// shown is what one way of asking shows of a conversation at a moment.
type shown struct {
	there  bool
	asOf   int64 // what has happened by then
	half   bool  // of its messages only
	silent bool  // without saying so
}

// shows is what is shown of conversation n, that starts at start.
func (a *Account) shows(n int, start, at int64, w way) shown {
	s := shown{there: start <= at && start >= oldest(at), asOf: at}
	changes := a.changed.Load().showing[n]
	for i, c := range changes {
		if !c.reigns(changes[i+1:], at) || !c.Scope.has(w) {
			continue
		}
		switch c.Kind {
		case Remove, Hide:
			s.there = false
		case Delay:
			s.asOf = min(s.asOf, c.At.UnixMilli())
			s.there = s.there && start <= s.asOf
		case Withhold:
			s.half, s.silent = true, c.Silent
		}
	}
	return s
}

// reigns reports whether a change has its effect at a moment; later are those
// after it.
func (c *Change) reigns(later []Change, at int64) bool {
	if c.At.UnixMilli() > at {
		return false
	}
	if c.Kind == Remove {
		return true
	}
	if !c.Until.IsZero() && c.Until.UnixMilli() <= at {
		return false
	}
	for _, s := range later {
		if s.Kind == Show && s.At.UnixMilli() <= at {
			return false
		}
	}
	return true
}

// view is what a request sees of conversation n.
func (a *Account) view(n int, at int64, w way) view {
	l := a.life(n)
	s := a.shows(n, l.start, at, w)
	return view{life: l, at: s.asOf, byID: w != bySearch, half: s.half, silent: s.silent}
}

// left is how many of n messages are shown.
func (s shown) left(n int) int {
	if s.half {
		return n / 2
	}
	return n
}
