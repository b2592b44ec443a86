package sandbox

// life is the whole life of one conversation, from start to last edit. It is
// small and of fixed size: everything about message i is computed from (life,
// i) when it is asked for, so that a conversation of any length costs nothing
// to hold. All times are epoch milliseconds.
type life struct {
	number int
	key    uint64
	start  int64

	gap    int64 // between two messages, before jitter
	main   int   // messages of the main dialogs
	survey int   // messages of the survey dialog
	split  int   // first message of the second main dialog; main when never reopened
	pause  int64 // how much later the messages from split on come

	bot      int // messages before a person took over from the bot
	handover int // first message of the second person; main when there is none
	agents   [2]int
	skills   [3]int // of the bot's, the first and the second person's turn

	closedFirst int64 // before the reopening; 0: none
	reopened    int64
	closed      int64 // for good; 0: never
	surveyed    int64 // the survey dialog ended; 0: no survey
	lateSurvey  bool  // answered without messages, hours later
	summarised  int64
	masked      int64
	erased      int64

	language int
	consumer int
	old      bool // a record as of 2017
	oldSeq   int  // how an old record numbers its messages
	base     int  // first sequence number
	skip     int  // every skip-th number was taken by another event; 0: none
}

// Salts keep the draws of a conversation independent of one another.
const (
	saltStart = iota
	saltShape
	saltLength
	saltGap
	saltPeople
	saltJitter
	saltKind
	saltText
	saltNumber
	saltID
	saltDialog
	saltConsumer
	saltLate
	saltOdd
	saltTie
	saltFault
	saltStatus
	saltTyping
	saltPID
	saltHold
	saltAgain
	saltFile
	saltSkill
	saltUnkind
	saltUnsaid
	saltNewType
)

// mix is the finaliser of splitmix64: a bijection that scatters its input.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func draw(key uint64, salt, i int) uint64 {
	return mix(key ^ mix(uint64(salt)<<40^uint64(i)))
}

func (l *life) draw(salt, i int) uint64 { return draw(l.key, salt, i) }

// oneOf is true for a share of the draws.
func (l *life) oneOf(share float64, salt, i int) bool {
	return share > 0 && float64(l.draw(salt, i)>>11)/(1<<53) < share
}

// oneIn is true for one in n of the draws.
func (l *life) oneIn(n, salt, i int) bool { return l.draw(salt, i)%uint64(n) == 0 }

func (a *Account) key(n int) uint64 { return mix(a.set.Seed ^ mix(uint64(n))) }

// startOf is when conversation n starts. It never decreases with n, and one in
// sixteen shares its millisecond with the one before.
func (a *Account) startOf(n int) int64 {
	if n%16 == 1 {
		n--
	}
	base := a.epoch + a.slot*int64(n)/a.slots
	width := max(a.slot/a.slots, 1)
	return base + int64(draw(a.key(n), saltStart, 0)%uint64(width))
}

// life computes conversation n.
func (a *Account) life(n int) life {
	l := life{number: n, key: a.key(n), start: a.startOf(n)}
	l.consumer = int(l.draw(saltConsumer, 0) % uint64(n/3+1))
	a.shape(&l)
	a.people(&l)
	a.end(&l)
	if !a.set.Plain {
		a.oddities(&l)
	}
	return l
}

const (
	minute      = int64(60_000)
	shortestGap = 20 // ms; joins and leaves still fit between two messages
)

// shape sets how many messages there are and how far apart.
func (a *Account) shape(l *life) {
	growth := max(a.set.Growth.Milliseconds(), shortestGap)
	switch {
	case l.number == 0 && a.set.Huge > 0:
		l.main = a.set.Huge
		l.gap = 1000
		if a.set.Conversations > 0 {
			l.gap = min(l.gap, max(a.set.Period.Milliseconds()/2/int64(l.main), shortestGap))
		}
	case a.set.Plain:
		l.main, l.gap = a.set.Messages, growth
	case l.lively(a.set.Lively):
		l.main, l.gap = 250+int(l.draw(saltLength, 0)%100), 6*minute
	default:
		l.main = 2 + int(l.draw(saltLength, 0)%uint64(max(2*a.set.Messages-3, 1)))
		l.gap = growth/2 + int64(l.draw(saltGap, 0)%uint64(growth))
	}
	l.split = l.main
	if !a.set.Plain && l.main > 6 && l.oneIn(14, saltShape, 1) {
		l.split = l.main * 2 / 3
		l.pause = 2*60*minute + int64(l.draw(saltShape, 2)%uint64(10*60*minute))
	}
}

func (l *life) lively(share float64) bool {
	return float64(l.draw(saltShape, 0)>>11)/(1<<53) < share
}

// people sets who serves the conversation, and until when.
func (a *Account) people(l *life) {
	l.handover = l.main
	d := l.draw(saltPeople, 0)
	l.agents = [2]int{int(d % staff), int((d >> 8) % staff)}
	l.skills = [3]int{int(d>>16) % liveSkills, int(d>>24) % liveSkills, int(d>>32) % liveSkills}
	a.newSkills(l)
	l.language = languageOf(int(d>>40) % 100)
	if a.set.Plain {
		l.language = 0
		return
	}
	if l.main > 5 && l.oneIn(2, saltPeople, 1) {
		l.bot = 4
	}
	if l.main > 11 && l.oneIn(4, saltPeople, 2) {
		l.handover = l.bot + (l.main-l.bot)/2
		if l.agents[1] == l.agents[0] {
			l.agents[1] = (l.agents[0] + 1) % staff
		}
	}
}

// end sets how the conversation closes and what still happens afterwards.
func (a *Account) end(l *life) {
	if float64(l.draw(saltShape, 3)>>11)/(1<<53) < a.set.OpenShare {
		l.split, l.pause = l.main, 0
		return
	}
	if l.split < l.main {
		l.closedFirst = l.time(l.split-1) + minute + int64(l.draw(saltShape, 4)%uint64(30*minute))
		l.reopened = l.time(l.split) - l.gap/8
	}
	l.closed = l.time(l.main-1) + minute + int64(l.draw(saltShape, 5)%uint64(20*minute))
	if a.set.Plain {
		return
	}
	switch l.draw(saltLate, 0) % 9 {
	case 0, 1, 2:
		l.survey = 3
		l.surveyed = l.time(l.main+2) + 30_000
	case 3:
		l.lateSurvey = true
		l.surveyed = l.closed + 3*60*minute + int64(l.draw(saltLate, 1)%uint64(27*60*minute))
	}
	if l.oneIn(4, saltLate, 2) {
		l.summarised = l.closed + 5*minute
	}
	if a.set.LateChanges && l.oneIn(10, saltLate, 3) {
		l.masked = l.closed + 6*60*minute + int64(l.draw(saltLate, 4)%uint64(6*60*minute))
	}
	if a.set.LateChanges && l.oneIn(25, saltLate, 5) {
		l.erased = l.closed + 3*24*60*minute
	}
}

// oddities sets how the record differs from what a tidy server would send.
func (a *Account) oddities(l *life) {
	l.base = int(l.draw(saltOdd, 0) % 2)
	l.skip = [...]int{0, 3, 5, 4}[l.draw(saltOdd, 1)%4]
	if l.split == l.main && l.survey == 0 && l.surveyed == 0 && l.oneIn(25, saltOdd, 2) {
		l.old = true
		l.oldSeq = int(l.draw(saltOdd, 3) % 3)
	}
}
