package sandbox

import "math"

// never is later than every request.
const never = math.MaxInt64

// total is how many messages the conversation will ever have.
func (l *life) total() int { return l.main + l.survey }

// time is when message i is sent. It increases with i.
func (l *life) time(i int) int64 {
	if i >= l.main {
		return l.closed + 2000 + int64(i-l.main)*surveyGap + l.jitter(i, surveyGap)
	}
	t := l.start + 1500 + int64(i)*l.gap + l.jitter(i, l.gap)
	if i >= l.split {
		t += l.pause
	}
	return t
}

const surveyGap = 20_000

// jitter stays below four fifths of the gap, so that a fifth is left between
// two messages for joins, leaves and transfers.
func (l *life) jitter(i int, gap int64) int64 {
	return int64(l.draw(saltJitter, i) % uint64(gap*4/5+1))
}

// sent is how many messages have been sent by then: always a prefix.
func (l *life) sent(at int64) int {
	n := l.sentOf(at, 0, l.split, l.start+1500, l.gap)
	if n == l.split && l.split < l.main {
		n += l.sentOf(at, l.split, l.main, l.start+1500+l.pause+int64(l.split)*l.gap, l.gap)
	}
	if n == l.main && l.survey > 0 {
		n += l.sentOf(at, l.main, l.total(), l.closed+2000, surveyGap)
	}
	return n
}

// sentOf counts in the messages first to end-1, of which the earliest moments
// lie gap apart from base on.
func (l *life) sentOf(at int64, first, end int, base, gap int64) int {
	if at < base {
		return 0
	}
	n := int(min((at-base)/gap, int64(end-first)))
	if n < end-first && l.time(first+n) <= at {
		n++
	}
	return n
}

// last is when the last message by then was sent, or the start.
func (l *life) last(at int64) int64 {
	if n := l.sent(at); n > 0 {
		return l.time(n - 1)
	}
	return l.start
}

// open tells whether the conversation is open then.
func (l *life) open(at int64) bool { return l.ended(at) == 0 }

// ended is when the conversation last closed by then; 0 while it is open.
func (l *life) ended(at int64) int64 {
	switch {
	case l.closed > 0 && at >= l.closed:
		return l.closed
	case l.closedFirst > 0 && at >= l.closedFirst && at < l.reopened:
		return l.closedFirst
	}
	return 0
}

// endedFully is when the conversation and its survey were over; 0 before that.
func (l *life) endedFully(at int64) int64 {
	end := l.ended(at)
	if end != l.closed || l.surveyed == 0 {
		return end
	}
	if at >= l.surveyed {
		return l.surveyed
	}
	return 0
}

// turn is a stretch of the main dialogs served by one agent: 0 the bot's, 1 and
// 2 the persons'.
func (l *life) turn(i int) int {
	switch {
	case i < l.bot:
		return 0
	case i < l.handover:
		return 1
	}
	return 2
}

// firstOf is the first message of a turn, -1 when the turn does not exist.
func (l *life) firstOf(turn int) int {
	switch {
	case turn == 0 && l.bot > 0:
		return 0
	case turn == 1:
		return l.bot
	case turn == 2 && l.handover < l.main:
		return l.handover
	}
	return -1
}

// joined is when the agent of a turn joined; never when there is no such turn.
func (l *life) joined(turn int) int64 {
	first := l.firstOf(turn)
	switch {
	case first < 0:
		return never
	case first == 0:
		return l.start + 1000
	}
	return l.time(first) - l.gap/10
}

// left is when the agent of a turn left: never for the last.
func (l *life) left(turn int) int64 {
	next := l.joined(turn + 1)
	if l.joined(turn) == never || next == never || turn == 2 {
		return never
	}
	return next - l.gap/20
}

// transferred is when the conversation went to the skill of a turn.
func (l *life) transferred(turn int) int64 {
	if turn == 0 || l.firstOf(turn) <= 0 || l.firstOf(turn-1) < 0 {
		return never
	}
	return l.joined(turn) - l.gap/12
}

// turnAt is the turn the conversation is in then.
func (l *life) turnAt(at int64) int {
	for turn := 2; turn > 0; turn-- {
		if l.joined(turn) <= at {
			return turn
		}
	}
	if l.bot > 0 {
		return 0
	}
	return 1
}

// agentOf is the staff number of a turn's agent.
func (l *life) agentOf(turn int) int {
	if turn == 0 {
		return botNumber
	}
	return l.agents[turn-1]
}

// sequence is the number of message i in its dialog. Accepts and reads take
// numbers too, so there are gaps.
func (l *life) sequence(i int) int {
	n := i - l.firstIn(l.dialogOf(i))
	seq := l.base + n
	if l.skip > 0 {
		seq += n / l.skip
	}
	return seq
}

// Dialogs of a conversation. The main one has the conversation's id.
const (
	mainDialog = iota
	secondDialog
	surveyDialog
)

func (l *life) dialogOf(i int) int {
	switch {
	case i >= l.main:
		return surveyDialog
	case i >= l.split:
		return secondDialog
	}
	return mainDialog
}

func (l *life) firstIn(dialog int) int {
	return [...]int{0, l.split, l.main}[dialog]
}
