package monitor

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lpexport/exporter"
)

const accountLabel = "account"

// family is one metric. doc/metrics.md has a section for each.
type family struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string // besides account
	read       func(o *exporter.Overview, emit emitter)
}

// histogram is a metric that counts in buckets.
type histogram struct {
	name, help string
	read       func(o *exporter.Overview) (count uint64, sum float64, buckets map[float64]uint64)
}

func (h *histogram) desc() *prometheus.Desc {
	return prometheus.NewDesc(h.name, h.help, []string{accountLabel}, nil)
}

var histograms = []histogram{
	{"lpexport_capture_lateness_seconds", "How long after they were written cycles captured new messages, by the oldest of each record.", lateness},
}

// emitter takes one series: its value, and those of its labels. What is not known
// is not emitted.
type emitter func(value float64, labels ...string)

func (f *family) desc() *prometheus.Desc {
	return prometheus.NewDesc(f.name, f.help, append([]string{accountLabel}, f.labels...), nil)
}

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

var families = slices.Concat(captureFamilies, sourceFamilies, eventFamilies, destinationFamilies, programFamilies)

var captureFamilies = []family{
	{"lpexport_capture_lag_seconds", "How far capture is behind: since the watermark.", gauge, nil,
		func(o *exporter.Overview, emit emitter) {
			if !o.Watermark.IsZero() {
				emit(o.Lag.Seconds())
			}
		}},
	{"lpexport_capture_watermark_timestamp_seconds", "Up to when everything is captured.", gauge, nil,
		func(o *exporter.Overview, emit emitter) { moment(emit, o.Watermark) }},
	counted("lpexport_captured_messages_total", "Messages captured, by where they came from first.", exporter.CounterMessages, "source"),
	counted("lpexport_lossy_entries_total", "Messages and happenings captured that have what UTF-8 cannot hold.", exporter.CounterLossy),
	counted("lpexport_untimed_entries_total", "Messages and happenings captured whose time could not be read.", exporter.CounterUntimed),
	counted("lpexport_foreign_conversations_total", "Conversations captured that are of another account.", exporter.CounterForeign, "brand"),
	counted("lpexport_excluded_conversations_total", "Conversations that the selection left out.", exporter.CounterExcluded, "reason"),
	{"lpexport_skill_namesakes", "Skills that bear a name which stands for another in select.skills: they are not captured.", gauge, nil,
		func(o *exporter.Overview, emit emitter) { emit(float64(len(o.Selection.Namesakes))) }},
	{"lpexport_open_conversations", "Captured conversations that are still being written.", gauge, nil,
		func(o *exporter.Overview, emit emitter) { emit(float64(o.OpenConversations)) }},
	{"lpexport_partial_conversations", "Conversations whose record LivePerson cut short and is asked for again.", gauge, nil,
		func(o *exporter.Overview, emit emitter) { emit(float64(o.Partial)) }},
	{"lpexport_failed_looks", "Conversations that could not be read by their id when that was tried last.", gauge, nil,
		func(o *exporter.Overview, emit emitter) { emit(float64(o.FailedLooks)) }},
	{"lpexport_open_backfills", "Backfills that were begun and are not at their end.", gauge, nil,
		func(o *exporter.Overview, emit emitter) { emit(float64(o.OpenBackfills)) }},
	{"lpexport_coverage_holes", "Coverage gaps: periods between covered ones that are not known to be captured.", gauge, []string{"fetchable"},
		ofHoles(func(exporter.Hole) float64 { return 1 })},
	{"lpexport_coverage_hole_seconds", "How long the coverage gaps are together.", gauge, []string{"fetchable"},
		ofHoles(func(h exporter.Hole) float64 { return h.To.Sub(h.From).Seconds() })},
	{"lpexport_quarantined_items", "What waits for a person: unreadable records, conversations that cannot be cut, rejected items.", gauge, nil,
		func(o *exporter.Overview, emit emitter) { emit(float64(o.Quarantined)) }},
	{"lpexport_dismissed_items", "What a person has given up of what was quarantined.", gauge, nil,
		func(o *exporter.Overview, emit emitter) { emit(float64(o.Dismissed)) }},
	{"lpexport_files_waiting", "Files that messages name and that are not fetched yet.", gauge, nil,
		func(o *exporter.Overview, emit emitter) { emit(float64(o.Files.Waiting)) }},
	{"lpexport_files_doubtful", "Files of which it is in doubt whether what LivePerson gives is what was sent. They are fetched again.", gauge, nil,
		func(o *exporter.Overview, emit emitter) { emit(float64(o.Files.Doubtful)) }},
	{"lpexport_files_oldest_waiting_seconds", "For how long the oldest such file has been known; 0 when none waits.", gauge, nil,
		func(o *exporter.Overview, emit emitter) { emit(o.Files.Oldest.Seconds()) }},
	{"lpexport_files_refused", "Whether LivePerson gives this login no files: 1 or 0.", gauge, nil,
		func(o *exporter.Overview, emit emitter) { emit(truth(o.Files.Refused != "")) }},
	counted("lpexport_files_total", "Files that messages name, by what came of them.", exporter.CounterFiles, "result"),
	counted("lpexport_cycles_total", "Cycles that have ended.", exporter.CounterCycles, "result"),
	{"lpexport_last_cycle_start_timestamp_seconds", "When the last cycle that has ended began.", gauge, nil,
		lastCycle(func(c exporter.CycleStatus) float64 { return seconds(c.Started) })},
	{"lpexport_last_cycle_duration_seconds", "How long the last cycle that has ended took.", gauge, nil,
		lastCycle(func(c exporter.CycleStatus) float64 { return c.Ended.Sub(c.Started).Seconds() })},
	{"lpexport_last_cycle_success", "Whether the last cycle that has ended was complete: 1 or 0.", gauge, nil,
		lastCycle(func(c exporter.CycleStatus) float64 { return truth(c.Result == exporter.CycleComplete) })},
	{"lpexport_last_cycle_result", "How the last cycle that has ended did: 1 for its result, 0 for the others.", gauge, []string{"result"},
		func(o *exporter.Overview, emit emitter) {
			for _, r := range exporter.CycleResults() {
				if !o.LastCycle.Started.IsZero() {
					emit(truth(o.LastCycle.Result == r), string(r))
				}
			}
		}},
}

var sourceFamilies = []family{
	counted("lpexport_requests_total", "Requests to LivePerson.", exporter.CounterRequests, "result"),
	counted("lpexport_received_bytes_total", "Bytes received from LivePerson: of JSON, and of files.", exporter.CounterBytes, "source"),
	{"lpexport_expiry_timestamp_seconds", "When a certificate or a log-in stops working.", gauge, []string{"what"}, expiries},
}

var eventFamilies = []family{
	counted("lpexport_events_total", "Notifications received by the webhook listener.", exporter.CounterEvents, "result"),
	counted("lpexport_event_changes_total", "Changes in stored notifications.", exporter.CounterChanges, "kind"),
	{"lpexport_events_waiting", "Events that are not cut: their sender, conversation or skill is not known yet.", gauge, nil,
		func(o *exporter.Overview, emit emitter) { emit(float64(o.Events.Waiting)) }},
	{"lpexport_events_oldest_waiting_seconds", "For how long the oldest event waits; 0 when none does.", gauge, nil,
		func(o *exporter.Overview, emit emitter) { emit(o.Events.Oldest.Seconds()) }},
	{"lpexport_unconfirmed_conversations", "Conversations of which history has not confirmed for too long what events told.", gauge, nil,
		func(o *exporter.Overview, emit emitter) { emit(float64(o.Events.Unconfirmed)) }},
	{"lpexport_receiver_last_event_timestamp_seconds", "When the last event was stored by this process.", gauge, nil,
		func(o *exporter.Overview, emit emitter) {
			if o.Receiver != nil {
				moment(emit, o.Receiver.LastAt)
			}
		}},
	{"lpexport_receiver_alarm", "Whether events that bear our client id are refused: 1 or 0.", gauge, nil,
		func(o *exporter.Overview, emit emitter) {
			if o.Receiver != nil {
				emit(truth(o.Receiver.Alarm != "" && !o.Receiver.Taken))
			}
		}},
}

var destinationFamilies = []family{
	// A destination has what was captured, but for what is pending: it lacks what
	// came since the watermark, or since the oldest that is pending.
	ofDestination("lpexport_destination_lag_seconds", "How far a destination is behind what was written.",
		func(o *exporter.Overview, d *exporter.DestinationStatus) (float64, bool) {
			return max(o.Lag, d.OldestPending).Seconds(), !o.Watermark.IsZero()
		}),
	ofDestination("lpexport_destination_oldest_pending_seconds", "For how long the oldest pending one waits; 0 when none does.",
		func(_ *exporter.Overview, d *exporter.DestinationStatus) (float64, bool) {
			return d.OldestPending.Seconds(), true
		}),
	ofDestination("lpexport_destination_pending", "Conversations and bundles that a destination has still to get.",
		func(_ *exporter.Overview, d *exporter.DestinationStatus) (float64, bool) {
			return float64(d.Pending), true
		}),
	ofDestination("lpexport_destination_failed_items", "Items that were tried in vain and are tried again.",
		func(_ *exporter.Overview, d *exporter.DestinationStatus) (float64, bool) {
			return float64(d.Failed), true
		}),
	ofDestination("lpexport_destination_rejected_items", "Items that were rejected and wait for a person.",
		func(_ *exporter.Overview, d *exporter.DestinationStatus) (float64, bool) {
			return float64(d.Rejected), true
		}),
	ofDestination("lpexport_destination_held_conversations", "Conversations that cannot be cut and wait for a person.",
		func(_ *exporter.Overview, d *exporter.DestinationStatus) (float64, bool) {
			return float64(d.Held), true
		}),
	ofDestination("lpexport_destination_found_bundles", "Bundles that were found changed or missing, and nobody has accepted that.",
		func(_ *exporter.Overview, d *exporter.DestinationStatus) (float64, bool) {
			return float64(d.Found), true
		}),
	ofDestination("lpexport_destination_uncertain_deliveries", "Deliveries of which nobody knows whether the item was taken.",
		func(_ *exporter.Overview, d *exporter.DestinationStatus) (float64, bool) {
			return float64(d.Uncertain), true
		}),
	ofDestination("lpexport_destination_left_files", "Files that no importer has taken for too long.",
		func(_ *exporter.Overview, d *exporter.DestinationStatus) (float64, bool) {
			return float64(d.Left), true
		}),
	ofDestination("lpexport_destination_withheld_messages", "Private messages that private_messages withholds.",
		func(_ *exporter.Overview, d *exporter.DestinationStatus) (float64, bool) {
			return float64(d.Withheld), true
		}),
	ofDestination("lpexport_destination_audience_unknown_messages", "Messages that are withheld until history says who may read them.",
		func(_ *exporter.Overview, d *exporter.DestinationStatus) (float64, bool) {
			return float64(d.AudienceUnknown), true
		}),
	ofDestination("lpexport_destination_halted", "Whether nothing is sent until a person has looked: 1 or 0.",
		func(_ *exporter.Overview, d *exporter.DestinationStatus) (float64, bool) {
			return truth(d.Halted), true
		}),
	ofDestination("lpexport_destination_failing_seconds", "For how long a destination has been failing; 0 while it is not.",
		func(o *exporter.Overview, d *exporter.DestinationStatus) (float64, bool) {
			if d.FailingSince.IsZero() {
				return 0, true
			}
			return max(o.At.Sub(d.FailingSince), 0).Seconds(), true
		}),
	counted("lpexport_deliveries_total", "Items handed over, by how that ended.", exporter.CounterDeliveries, "class", "destination"),
	countedSecond("lpexport_delivered_bytes_total", "Bytes of items that were taken.", exporter.CounterDelivered),
	countedSecond("lpexport_amendments_total", "Amendments cut: messages that changed after they were delivered.", exporter.CounterAmendments),
}

var programFamilies = []family{
	{"lpexport_build_info", "What is running: always 1.", gauge, []string{"version"},
		func(o *exporter.Overview, emit emitter) {
			_, version, _ := strings.Cut(o.Generator, " ")
			emit(1, version)
		}},
	{"lpexport_start_timestamp_seconds", "When this process began to serve.", gauge, nil,
		func(o *exporter.Overview, emit emitter) { moment(emit, o.Began) }},
}

// counted is a counter that the checkpoint keeps, with one label or with two.
func counted(name, help, of string, labels ...string) family {
	return family{name, help, counter, labels, func(o *exporter.Overview, emit emitter) {
		for _, c := range o.Counters {
			if c.Name == of {
				emit(float64(c.Value), []string{c.Labels, c.Second}[:len(labels)]...)
			}
		}
	}}
}

// countedSecond is a counter by destination only.
func countedSecond(name, help, of string) family {
	return family{name, help, counter, []string{"destination"}, func(o *exporter.Overview, emit emitter) {
		for _, c := range o.Counters {
			if c.Name == of {
				emit(float64(c.Value), c.Second)
			}
		}
	}}
}

func ofDestination(name, help string, value func(*exporter.Overview, *exporter.DestinationStatus) (v float64, known bool)) family {
	return family{name, help, gauge, []string{"destination"}, func(o *exporter.Overview, emit emitter) {
		for i := range o.Destinations {
			if v, known := value(o, &o.Destinations[i]); known {
				emit(v, o.Destinations[i].Name)
			}
		}
	}}
}

// ofHoles sums holes that LivePerson still keeps, and those that nothing can fill.
func ofHoles(value func(exporter.Hole) float64) func(*exporter.Overview, emitter) {
	return func(o *exporter.Overview, emit emitter) {
		sums := map[bool]float64{}
		for _, h := range o.Holes {
			sums[h.Fetchable] += value(h)
		}
		emit(sums[true], "true")
		emit(sums[false], "false")
	}
}

func lastCycle(value func(exporter.CycleStatus) float64) func(*exporter.Overview, emitter) {
	return func(o *exporter.Overview, emit emitter) {
		if !o.LastCycle.Started.IsZero() {
			emit(value(o.LastCycle))
		}
	}
}

// lateness adds up the buckets: each holds all that are below its bound.
func lateness(o *exporter.Overview) (count uint64, sum float64, buckets map[float64]uint64) {
	byLabel := map[string]uint64{}
	for _, c := range o.Counters {
		switch c.Name {
		case exporter.CounterLateness:
			byLabel[c.Labels] += uint64(c.Value)
			count += uint64(c.Value)
		case exporter.CounterLatenessSum:
			sum += float64(c.Value)
		}
	}
	below := uint64(0)
	buckets = map[float64]uint64{}
	for _, bound := range exporter.LatenessBounds {
		below += byLabel[exporter.LatenessLabel(bound)]
		buckets[bound.Seconds()] = below
	}
	return count, sum, buckets
}

// expiries gives each name once, by what ends first.
func expiries(o *exporter.Overview, emit emitter) {
	first := map[string]time.Time{}
	for _, e := range o.Expiries {
		if known, there := first[e.What]; !there || e.At.Before(known) {
			first[e.What] = e.At
		}
	}
	for what, at := range first {
		emit(seconds(at), what)
	}
}

// moment emits a time that is known.
func moment(emit emitter, t time.Time) {
	if !t.IsZero() {
		emit(seconds(t))
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// text is a label's value: Prometheus takes UTF-8 only.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
