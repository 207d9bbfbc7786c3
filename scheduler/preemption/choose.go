package preemption

import (
	"fmt"
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
)

// Candidate is a place for the preemptor, and the pods that have to go from it.
type Candidate struct {
	// Place is a node's name, or another name for where the preemptor goes; events and logs show it.
	Place string
	// Pods go, the most important first. There is at least one.
	Pods []*corev1.Pod
	// Violations counts the pods that go although a PodDisruptionBudget protects them.
	Violations int64
	// Groups counts the victims that are groups or parts of one.
	Groups int
}

// criterion is one reason to prefer a candidate.
type criterion struct {
	// score is higher for the better candidate.
	score func(c *Candidate, now time.Time) int64
	// says is what is told of the winner: its name and, where it means something, how a score reads.
	name string
	read func(score int64) string
}

var criteria = []criterion{
	{
		score: func(c *Candidate, _ time.Time) int64 { return -c.Violations },
		name:  "the fewest violations of PodDisruptionBudgets",
		read:  func(score int64) string { return fmt.Sprint(-score) },
	},
	{
		score: func(c *Candidate, _ time.Time) int64 { return -int64(schedulinghelpers.PodPriority(c.Pods[0])) },
		name:  "the lowest priority of its most important victim",
		read:  func(score int64) string { return fmt.Sprint(-score) },
	},
	{
		score: func(c *Candidate, _ time.Time) int64 { return -sumOfPriorities(c.Pods) },
		name:  "the lowest sum of its victims' priorities, each counted from the lowest that there can be",
		read:  func(score int64) string { return fmt.Sprint(-score) },
	},
	{
		score: func(c *Candidate, _ time.Time) int64 { return -int64(len(c.Pods)) },
		name:  "the fewest victims",
		read:  func(score int64) string { return fmt.Sprint(-score) },
	},
	{
		score: func(c *Candidate, now time.Time) int64 { return firstStart(c.Pods, now).UnixNano() },
		name:  "the latest start of its most important victims",
		read:  func(score int64) string { return time.Unix(0, score).UTC().Format(time.RFC3339) },
	},
}

// Choice is the best of some candidates.
type Choice struct {
	*Candidate
	// Among is how many candidates there were.
	Among int

	decided         *criterion // which told it from the last others; nil where nothing did
	own, secondBest int64
}

// Choose returns the best candidate of at least one. A pod that has not started counts as starting now.
func Choose(candidates []*Candidate, now time.Time) Choice {
	choice := Choice{Among: len(candidates)}
	for i := range criteria {
		if len(candidates) == 1 {
			break
		}
		best, score, second := bestBy(&criteria[i], candidates, now)
		if len(best) == 1 {
			choice.decided, choice.own, choice.secondBest = &criteria[i], score, second
		}
		candidates = best
	}
	choice.Candidate = candidates[0]
	return choice
}

// bestBy returns the candidates with the highest score, in their order, that score, and the highest of the others.
func bestBy(by *criterion, candidates []*Candidate, now time.Time) (best []*Candidate, score, second int64) {
	score, second = math.MinInt64, math.MinInt64
	for _, candidate := range candidates {
		own := by.score(candidate, now)
		switch {
		case own > score:
			best, score, second = append(best[:0:0], candidate), own, score
		case own == score:
			best = append(best, candidate)
		default:
			second = max(second, own)
		}
	}
	return best, score, second
}

// String says what was chosen and why, as in "preempting 1 pod from node-3, which of 7 candidates has the fewest
// violations of PodDisruptionBudgets: 0, where the next has 1".
func (c Choice) String() string {
	text := fmt.Sprintf("preempting %s from %s", counted(len(c.Pods), "pod"), c.Place)
	switch {
	case c.Among == 1:
		return text + ", the only candidate"
	case c.decided == nil:
		return text + fmt.Sprintf(", one of several equally good of %d candidates", c.Among)
	}
	return text + fmt.Sprintf(", which of %d candidates has %s: %s, where the next has %s",
		c.Among, c.decided.name, c.decided.read(c.own), c.decided.read(c.secondBest))
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sumOfPriorities counts each priority from the lowest that there can be: otherwise a few pods of a negative priority
// would look better than one of the same.
func sumOfPriorities(pods []*corev1.Pod) int64 {
	var sum int64
	for _, pod := range pods {
		sum += int64(schedulinghelpers.PodPriority(pod)) + math.MaxInt32 + 1
	}
	return sum
}

// firstStart returns when the first of the pods with the highest priority started.
func firstStart(pods []*corev1.Pod, now time.Time) time.Time {
	first, highest := time.Time{}, int32(0)
	for i, pod := range pods {
		priority, start := schedulinghelpers.PodPriority(pod), started(pod, now)
		if i == 0 || priority > highest || priority == highest && start.Before(first) {
			first, highest = start, priority
		}
	}
	return first
}
