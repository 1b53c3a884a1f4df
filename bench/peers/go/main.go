// SPDX-License-Identifier: MIT

// Command bench-go runs the workloads of bench/ under Go's collector: `bench-go WORKLOAD
// name=value …`. Parameters and figures are those of the C programs; what a workload is says the
// C file of its name.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"time"
)

var workloads = map[string]func(){
	"trees": trees, "mark": mark, "alloc": alloc, "churn": churn, "gcbench": gcbench,
	"mutate": mutate, "sizes": sizes, "words": words,
}

func main() {
	if len(os.Args) < 2 || workloads[os.Args[1]] == nil {
		die("usage: bench-go trees|mark|alloc|churn|gcbench|mutate|sizes|words [name=value …]")
	}
	workloads[os.Args[1]]()
	report()
}

func die(what string) {
	fmt.Fprintln(os.Stderr, "bench:", what)
	os.Exit(2)
}

func parameterText(name, otherwise string) string {
	for _, argument := range os.Args[2:] {
		if strings.HasPrefix(argument, name+"=") {
			return argument[len(name)+1:]
		}
	}
	return otherwise
}

func parameter(name string, otherwise uint64) uint64 {
	text := parameterText(name, "")
	if text == "" {
		return otherwise
	}
	value, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		die("a parameter is not a number")
	}
	return value
}

func figure(name string, value float64) { fmt.Printf("%s %.9g\n", name, value) }

func spread(name string, values []float64) {
	sort.Float64s(values)
	n := len(values)
	figure(name, (values[(n-1)/2]+values[n/2])/2)
	figure(name+"_min", values[0])
	figure(name+"_max", values[n-1])
}

// report prints what Go says of its collector. Its share of CPU is of what GOMAXPROCS allows, not
// of what the process used.
func report() {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	longest := uint64(0)
	for _, pause := range stats.PauseNs {
		if pause > longest {
			longest = pause
		}
	}
	figure("gc_available_cpu_fraction", stats.GCCPUFraction)
	figure("cycles", float64(stats.NumGC))
	figure("pause_max_us", float64(longest)/1e3)
	figure("total_peak_mib", float64(stats.Sys)/(1<<20))
}

// random is an xorshift generator; never 0.
type random uint64

func (r *random) next() uint64 {
	x := uint64(*r)
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	*r = random(x)
	return x
}

var workSink uint64

func work(steps uint64) uint64 {
	r := random(steps | 1)
	for i := uint64(0); i < steps; i++ {
		r.next()
	}
	return uint64(r)
}

// workSteps says how many steps of work take this long.
func workSteps(duration time.Duration) uint64 {
	const trialSteps, trials = 20000, 200
	best := time.Hour
	for i := 0; i < trials; i++ {
		start := time.Now()
		workSink += work(trialSteps)
		if took := time.Since(start); took < best {
			best = took
		}
	}
	return uint64(duration) * trialSteps / uint64(best)
}
