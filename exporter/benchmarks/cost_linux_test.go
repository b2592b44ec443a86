package benchmarks

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// costOf reads what a running process has cost.
func costOf(pid int) (c cost, err error) {
	status, err := readSizes(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return c, err
	}
	shares, err := readSizes(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return c, err
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return c, err
	}
	// Behind the name, which stands in parentheses, the 12th and 13th are user and
	// system time in hundredths of a second (proc_pid_stat(5), USER_HZ).
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	for _, f := range fields[11:13] {
		ticks, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return c, err
		}
		c.cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	c.resident, c.own, c.peak, c.share = status["VmRSS"], status["RssAnon"], status["VmHWM"], shares["Pss"]
	return c, nil
}

// readSizes reads lines such as "VmRSS:  1234 kB", in bytes.
func readSizes(path string) (map[string]int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sizes := map[string]int64{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		if kib, sized := strings.CutSuffix(strings.TrimSpace(value), " kB"); sized {
			n, err := strconv.ParseInt(kib, 10, 64)
			if err != nil {
				return nil, err
			}
			sizes[name] = n << 10
		}
	}
	return sizes, lines.Err()
}
