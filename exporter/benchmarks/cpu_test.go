package benchmarks

import "testing"

// typical is the account that the CPU target is about: about 105 MB of JSON.
var typical = account{Conversations: 5000, Messages: 20}

// BenchmarkCPU exports a typical account in turn with jq, which only parses the
// same pages.
func BenchmarkCPU(b *testing.B) {
	s := start(b, typical)
	yardstick := newJQ(b, s)
	var cpu, wall, peak, parsed, ratios []float64
	var e exported
	for b.Loop() {
		for range *pairs {
			var u usage
			e, u = run(b, job{URL: s.url, Dir: b.TempDir()})
			whole(b, e, typical)
			cpu, wall, peak = append(cpu, u.cpu.Seconds()), append(wall, u.wall.Seconds()), append(peak, mebi(u.peak))
			if yardstick != nil {
				q := yardstick.run(b).cpu.Seconds()
				parsed, ratios = append(parsed, q), append(ratios, u.cpu.Seconds()/q)
			}
		}
	}
	b.Logf("%d conversations, %d messages, %.1f MB of JSON; %d runs", e.Conversations, e.Messages, mega(e.Bytes), len(cpu))
	show(b, "export CPU", "export-cpu-s", cpu, "")
	if yardstick != nil {
		b.Logf("%s over %d saved pages", yardstick.version, len(yardstick.pages))
		show(b, "jq CPU", "jq-cpu-s", parsed, "")
		show(b, "export CPU / jq CPU, pair by pair", "cpu/jq", ratios, "at most 0.5, aim at 0.33")
	}
	show(b, "wall time", "wall-s", wall, "")
	show(b, "peak memory, MiB", "peak-MiB", peak, "at most 64")
	show(b, "state, MB", "state-MB", []float64{mega(e.StateBytes)}, "")
	show(b, "state / JSON received", "state/json", []float64{float64(e.StateBytes) / float64(e.Bytes)}, "")
}

// whole makes sure that a run did all the work before its cost is believed.
func whole(b *testing.B, e exported, a account) {
	b.Helper()
	messages := int64(a.Conversations) * int64(a.Messages)
	if a.Huge > 0 {
		messages += int64(a.Huge - a.Messages)
	}
	if e.Conversations != int64(a.Conversations) || e.Messages != messages || e.Slices < a.Conversations {
		b.Fatalf("exported %+v, want all of %+v", e, a)
	}
}

func mebi(bytes int64) float64 { return float64(bytes) / (1 << 20) }
func mega(bytes int64) float64 { return float64(bytes) / 1e6 }
