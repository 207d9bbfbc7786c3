package simulated

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Stage is one step in a container's life.
type Stage struct {
	// Delay is how long the stage takes, plus a random part of Jitter.
	Delay, Jitter time.Duration
	// FailureRate is the chance from 0 to 1 that the stage fails after its delay.
	FailureRate float64
	// Failure is the error's text; "" means a plain "simulated failure".
	Failure string
}

// Stages say how pods on a runtime live. The zero value succeeds at everything at once, and runs for ever.
type Stages struct {
	Sandbox, Pull, Create, Start, Stop Stage
	// RunFor is how long a container runs; zero means until it is stopped.
	RunFor time.Duration
	// ExitCode is what a container ends with after RunFor.
	ExitCode int32
	// ReadyAfter is how long a container runs before its probes succeed.
	ReadyAfter time.Duration
	// CPU and Memory are what a container uses while it runs; by default very little.
	CPU, Memory Usage
}

// AnnotationPrefix starts the annotations by which a pod overrides the stages:
//
//	simulated.orrery.dev/pull-delay: 2s          also sandbox-, create-, start-, stop-delay
//	simulated.orrery.dev/start-failure: "no such file"   the stage fails with this text; also sandbox-, pull-, create-failure
//	simulated.orrery.dev/start-failure-rate: "0.5"       the chance of that; without it, 1
//	simulated.orrery.dev/run-for: 10s            also run-for.CONTAINER for one container
//	simulated.orrery.dev/exit-code: "1"          also exit-code.CONTAINER
//	simulated.orrery.dev/ready-after: 5s
//	simulated.orrery.dev/cpu-usage: 50m, 30s: 800m   from the start on, and after 30 s; also cpu-usage.CONTAINER
//	simulated.orrery.dev/memory-usage: 64Mi      as cpu-usage
const AnnotationPrefix = "simulated.orrery.dev/"

// with returns the stages as the annotations of a pod change them for one of its containers ("" for the pod itself).
func (s Stages) with(annotations map[string]string, container string) (Stages, error) {
	for key, value := range annotations {
		name, ours := strings.CutPrefix(key, AnnotationPrefix)
		if !ours {
			continue
		}
		if base, only, forOne := strings.Cut(name, "."); forOne {
			if only != container {
				continue
			}
			name = base
		} else if _, overridden := annotations[key+"."+container]; overridden {
			continue
		}
		if err := s.set(name, value); err != nil {
			return s, fmt.Errorf("reading annotation %s: %w", key, err)
		}
	}
	return s, nil
}

func (s *Stages) set(name, value string) (err error) {
	switch name {
	case "run-for":
		s.RunFor, err = time.ParseDuration(value)
		return err
	case "ready-after":
		s.ReadyAfter, err = time.ParseDuration(value)
		return err
	case "cpu-usage":
		s.CPU, err = parseUsage(value, resource.Nano)
		return err
	case "memory-usage":
		s.Memory, err = parseUsage(value, 0)
		return err
	case "exit-code":
		code, err := strconv.ParseInt(value, 10, 32)
		s.ExitCode = int32(code)
		return err
	}
	stageName, setting, _ := strings.Cut(name, "-")
	stages := map[string]*Stage{"sandbox": &s.Sandbox, "pull": &s.Pull, "create": &s.Create, "start": &s.Start, "stop": &s.Stop}
	stage, ok := stages[stageName]
	if !ok {
		return fmt.Errorf("there is no setting %q", name)
	}
	switch setting {
	case "delay":
		stage.Delay, err = time.ParseDuration(value)
	case "failure":
		stage.Failure = value
		if stage.FailureRate == 0 {
			stage.FailureRate = 1
		}
	case "failure-rate":
		stage.FailureRate, err = strconv.ParseFloat(value, 64)
	default:
		err = fmt.Errorf("there is no setting %q", name)
	}
	return err
}

func (s Stage) duration(random *rand.Rand) time.Duration {
	if s.Jitter <= 0 {
		return s.Delay
	}
	return s.Delay + time.Duration(random.Int64N(int64(s.Jitter)))
}

func (s Stage) outcome(random *rand.Rand) error {
	if s.FailureRate <= 0 || random.Float64() >= s.FailureRate {
		return nil
	}
	if s.Failure == "" {
		return fmt.Errorf("simulated failure")
	}
	return fmt.Errorf("%s", s.Failure)
}
