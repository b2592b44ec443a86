package benchmarks

import "os"

func peakOf(*os.ProcessState) int64 { return 0 }
