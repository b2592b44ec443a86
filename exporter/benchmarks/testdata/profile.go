// This file is compiled into the program by benchmarks that are given a folder
// for profiles, and by nothing else. It keeps profiles of a process from its
// start until it is interrupted.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"time"
)

func init() {
	folder := os.Getenv("LPEXPORT_BENCHMARK_PROFILES")
	if folder == "" || len(os.Args) < 2 {
		return
	}
	path := fmt.Sprintf("%s/%s-%d", folder, os.Args[1], os.Getpid())
	runtime.SetBlockProfileRate(int(10 * time.Microsecond))
	cpu, err := os.Create(path + ".cpu.pprof")
	if err == nil {
		err = pprof.StartCPUProfile(cpu)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "no profiles:", err)
		return
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	go func() {
		<-interrupted // the program hears it too, and ends after this has ended
		pprof.StopCPUProfile()
		_ = cpu.Close()
		for _, kind := range []string{"heap", "block"} {
			if f, err := os.Create(path + "." + kind + ".pprof"); err == nil {
				_ = pprof.Lookup(kind).WriteTo(f, 0)
				_ = f.Close()
			}
		}
	}()
}
