package printer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// Format is how to print. The zero value is a table for a person.
type Format string

// The formats, as they are called by the flag.
const (
	Tabular Format = ""
	Wide    Format = "wide"
	JSON    Format = "json"
	YAML    Format = "yaml"
)

// formats are those that have a name, in the order of the help.
var formats = []string{string(JSON), string(YAML), string(Wide)}

// AddFlag adds -o to a command, which writes into format.
func (f *Format) AddFlag(c *cobra.Command) {
	c.Flags().VarP(f, "output", "o", "`format`: json, yaml or wide; a table that fits the terminal if empty")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
}

// AddProseFlag adds -o to a command that tells people text and no table. A wide text is a text.
func (f *Format) AddProseFlag(c *cobra.Command) {
	c.Flags().VarP(f, "output", "o", "`format`: json or yaml; text for a person if empty")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats[:2], cobra.ShellCompDirectiveNoFileComp)) // the flag is there
}

// Set reads a format that a person has typed.
func (f *Format) Set(word string) error {
	switch format := Format(word); format {
	case Tabular, Wide, JSON, YAML:
		*f = format
		return nil
	default:
		return errors.New("want json, yaml or wide, or nothing for a table")
	}
}

func (f *Format) String() string { return string(*f) }

// Type is what the flag's value is called.
func (*Format) Type() string { return "format" }

// ForPrograms reports that the format is read by programs, and has every detail.
func (f Format) ForPrograms() bool { return f == JSON || f == YAML }

// Print prints a value for programs, or its table for people. The table is only made where it is wanted.
func Print(out io.Writer, format Format, value any, table func() Table) error {
	return Prose(out, format, value, func(out io.Writer) error { return table().print(out, format == Wide, Width(out)) })
}

// Prose prints a value for programs, or what text writes for people.
func Prose(out io.Writer, format Format, value any, text func(io.Writer) error) error {
	switch format {
	case JSON:
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false) // nobody puts it into a page, and people read it too
		return encoder.Encode(value)
	case YAML:
		text, err := yaml.Marshal(value)
		if err != nil {
			return fmt.Errorf("printing YAML: %w", err)
		}
		_, err = out.Write(text)
		return err
	default:
		return text(out)
	}
}

// One prints one of a stream of values for programs: a line of JSON, or a document of YAML.
func One(out io.Writer, format Format, value any) error {
	if format == YAML {
		if _, err := fmt.Fprintln(out, "---"); err != nil {
			return err
		}
		return Print(out, format, value, nil)
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
