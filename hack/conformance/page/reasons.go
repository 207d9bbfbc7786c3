package page

import (
	"fmt"
	"strings"
)

// Reasons say why a test does not pass, by its name.
type Reasons map[string]string

// ParseReasons reads the file of reasons: a reason on a line, and below it, indented, the names of the tests that it is about. Lines
// that begin with # are comments.
func ParseReasons(text string) (Reasons, error) {
	reasons := Reasons{}
	reason, number := "", 0
	for line := range strings.Lines(text) {
		number++
		content := strings.TrimSpace(line)
		switch {
		case content == "" || strings.HasPrefix(content, "#"):
		case line[0] != ' ' && line[0] != '\t':
			if strings.Contains(content, "|") {
				return nil, fmt.Errorf("line %d: a reason with | in it would break the table", number)
			}
			reason = content
		case reason == "":
			return nil, fmt.Errorf("line %d: %q stands below no reason", number, content)
		case reasons[content] != "":
			return nil, fmt.Errorf("line %d: %q has a reason already: %s", number, content, reasons[content])
		default:
			reasons[content] = reason
		}
	}
	return reasons, nil
}
