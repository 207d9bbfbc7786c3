package looptest

import (
	"fmt"
	"regexp"
)

const (
	// longestRefrain is how many lines may repeat themselves as one.
	longestRefrain = 24
	// fewestTimes is how often they are told before they are folded.
	fewestTimes = 3
	// beginning and end are how much is told of a part that is long and does not repeat itself line by line, since loops take
	// turns in any order.
	beginning, end = 30, 15
)

var (
	timeOfLine = regexp.MustCompile(`^ *\S+  `)
	numbers    = regexp.MustCompile(`[0-9]+`)
)

// fold makes a story short in which the same happens again and again, as in a world that never comes to rest: what repeats
// itself but for times and other numbers is told once, and of what is still long the middle is left out. In a story that is
// short anyhow every line may count.
func fold(story []string) []string {
	if len(story) <= beginning+end {
		return story
	}
	return withoutMiddle(withoutRefrains(story))
}

func withoutRefrains(story []string) []string {
	sames := make([]string, len(story))
	for i, line := range story {
		sames[i] = numbers.ReplaceAllString(timeOfLine.ReplaceAllString(line, ""), "0")
	}
	var folded []string
	for i := 0; i < len(story); {
		length, times := refrain(sames[i:])
		if times < fewestTimes {
			folded = append(folded, story[i])
			i++
			continue
		}
		folded = append(folded, story[i:i+length]...)
		last := story[i+times*length-1]
		folded = append(folded, aside(last, "and so on, %d times more", times-1))
		i += times * length
	}
	return folded
}

// refrain is how many lines at the beginning repeat themselves, and how often they are there, one time after the other. Of
// several the one that covers most is meant, and of those the shortest.
func refrain(lines []string) (length, times int) {
	length, times = 1, 1
	for l := 1; l <= min(longestRefrain, len(lines)/2); l++ {
		same := l
		for same < len(lines) && lines[same] == lines[same-l] {
			same++
		}
		if n := same / l; n >= fewestTimes && n*l > times*length {
			length, times = l, n
		}
	}
	return length, times
}

func withoutMiddle(story []string) []string {
	left := len(story) - beginning - end
	if left <= 1 {
		return story
	}
	short := append([]string{}, story[:beginning]...)
	short = append(short, aside(story[beginning+left-1], "%d lines are left out", left))
	return append(short, story[beginning+left:]...)
}

// aside is a remark on a story, at the time of a line.
func aside(line, format string, args ...any) string {
	return timeOfLine.FindString(line) + "... " + fmt.Sprintf(format, args...)
}
