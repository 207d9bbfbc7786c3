package main

import (
	"time"

	"github.com/orrery-dev/orrery/bench/internal/child"
)

// readings are what all processes have used and asked for at one moment.
type readings struct {
	manager, server, driver child.Usage
	requests                map[request]int
}

// figures are what was measured in one step. Times are in seconds, memory is in bytes.
type figures struct {
	Step    string  `json:"step"`
	Objects int     `json:"objects"`
	Time    float64 `json:"time"`
	// Writes are the requests of the manager that change something, Refused those among them that the server refused, Events
	// those that are about Events, and Reads all others, without watches.
	Writes  int `json:"writes"`
	Refused int `json:"refused"`
	Events  int `json:"events"`
	Reads   int `json:"reads"`
	// CPU is what the manager used, ServerCPU the API server with etcd, and DriverCPU this program.
	CPU       float64 `json:"cpu"`
	ServerCPU float64 `json:"serverCPU"`
	DriverCPU float64 `json:"driverCPU"`
	// Memory is the most that the manager has had resident up to the end of the step.
	Memory int64 `json:"memory"`
	// Requests are those of the manager, by controller.
	Requests []requests `json:"requests"`
}

// requests are like ones.
type requests struct {
	request
	Count int
}

func figuresOf(s step, took time.Duration, before, after readings) figures {
	f := figures{
		Step: s.name, Objects: s.objects, Time: took.Seconds(), Memory: after.manager.Memory,
		CPU:       after.manager.CPU - before.manager.CPU,
		ServerCPU: after.server.CPU - before.server.CPU,
		DriverCPU: after.driver.CPU - before.driver.CPU,
	}
	for r, n := range after.requests {
		if n -= before.requests[r]; n > 0 {
			f.count(r, n)
		}
	}
	return f
}

// count adds like requests.
func (f *figures) count(r request, n int) {
	f.Requests = append(f.Requests, requests{r, n})
	if !r.writes() {
		f.Reads += n
		return
	}
	f.Writes += n
	if r.Refused {
		f.Refused += n
	}
	if r.What == "events" {
		f.Events += n
	}
}

// perObject is how many writes there were for each object.
func (f figures) perObject() float64 { return float64(f.Writes) / float64(max(f.Objects, 1)) }
