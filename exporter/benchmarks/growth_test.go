package benchmarks

import (
	"fmt"
	"testing"
)

// BenchmarkGrowth exports small and large accounts, of short and of long
// conversations and of a single huge one: memory must not grow, and CPU only
// with the work.
func BenchmarkGrowth(b *testing.B) {
	small := typical.Conversations
	base := map[int]float64{} // CPU seconds per conversation of the small account, by messages
	for _, a := range []account{
		{Conversations: small, Messages: 20},
		{Conversations: *large, Messages: 20},
		{Conversations: small / 10, Messages: 200},
		{Conversations: *large / 10, Messages: 200},
		{Conversations: 100, Messages: 20, Huge: 200_000},
	} {
		name := fmt.Sprintf("conversations=%d,messages=%d", a.Conversations, a.Messages)
		if a.Huge > 0 {
			name = fmt.Sprintf("huge=%d", a.Huge)
		}
		b.Run(name, func(b *testing.B) {
			s := start(b, a)
			var cpu, peak []float64
			var e exported
			for b.Loop() {
				for range repeats(a, small) {
					var u usage
					e, u = run(b, job{URL: s.url, Dir: b.TempDir()})
					whole(b, e, a)
					cpu, peak = append(cpu, u.cpu.Seconds()), append(peak, mebi(u.peak))
				}
			}
			b.Logf("%d conversations, %d messages, %.1f MB of JSON", e.Conversations, e.Messages, mega(e.Bytes))
			show(b, "peak memory, MiB", "peak-MiB", peak, "at most 64")
			show(b, "CPU", "cpu-s", cpu, "")
			show(b, "state / JSON received", "state/json", []float64{float64(e.StateBytes) / float64(e.Bytes)}, "")
			each := middle(cpu) / float64(a.Conversations)
			if first, ok := base[a.Messages]; ok && a.Huge == 0 {
				show(b, "CPU a conversation / the small one's", "growth", []float64{each / first}, "at most 1.3")
			} else {
				base[a.Messages] = each
			}
		})
	}
}

// repeats is how often an account is exported: the small ones are quick, and
// what the large ones are compared with.
func repeats(a account, small int) int {
	if a.Conversations*a.Messages <= small*20 {
		return 3
	}
	return 1
}
