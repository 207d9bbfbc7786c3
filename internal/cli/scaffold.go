package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/orrery-dev/orrery/scaffold"
	"github.com/orrery-dev/orrery/scaffold/tree"
	"github.com/spf13/cobra"
)

// scaffolding are the commands that make projects of one's own kinds.
func scaffolding() []*cobra.Command {
	create := &cobra.Command{
		Use:   "create",
		Short: "Add a kind or webhooks to the project in this folder",
		Example: `  orrery create api --group web --version v1 --kind Website
  orrery create webhook --group web --version v1 --kind Website --defaulting`,
	}
	create.AddCommand(
		newScaffold(scaffold.CreateAPI(), "api", "Add a kind and its loop", "make test run"),
		newScaffold(scaffold.CreateWebhook(), "webhook", "Add webhooks for a kind", "make test"),
	)
	remove := &cobra.Command{
		Use:   "delete",
		Short: "Take a kind or webhooks out of the project in this folder",
		Example: `  orrery delete api --group web --version v1 --kind Website --dry-run
  orrery delete webhook --group web --version v1 --kind Website`,
	}
	remove.AddCommand(
		newScaffold(scaffold.DeleteAPI(), "api", "Take a kind and its loops out of the project", "make test"),
		newScaffold(scaffold.DeleteWebhook(), "webhook", "Take the webhooks of a kind out of the project", "make test"),
	)
	return []*cobra.Command{
		newScaffold(scaffold.Init(), "init", "Make a project for kinds and loops of your own", "orrery create api --group GROUP --version v1 --kind KIND"),
		create, remove,
		newScaffold(scaffold.Edit(), "edit", "Change the settings of the project in this folder", ""),
		newScaffold(scaffold.Update(), "update", "Bring the project in this folder up to what this version scaffolds", "make test"),
	}
}

// newScaffold is the command line of a scaffolding command. next is what a person does after it.
func newScaffold(what scaffold.Command, use, short, next string) *cobra.Command {
	var dryRun bool
	var format printer.Format
	description, examples := what.About()
	c := &cobra.Command{
		Use:     use,
		Short:   short,
		Long:    description,
		Example: examples,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			result, err := scaffold.Run(".", what)
			if err != nil {
				return err
			}
			if !dryRun {
				if err := result.Changes.Apply("."); err != nil {
					return err
				}
			}
			return printer.Prose(c.OutOrStdout(), format, scaffoldedOf(result, !dryRun), func(out io.Writer) error {
				return printScaffolded(out, result, dryRun, next)
			})
		},
	}
	what.BindFlags(c.Flags())
	c.Flags().BoolVar(&dryRun, "dry-run", false, "show a diff of what would be written, and write nothing")
	format.AddProseFlag(c)
	return c
}

// scaffolded is what programs are told.
type scaffolded struct {
	// Written is false for a dry run.
	Written bool         `json:"written"`
	Files   []fileChange `json:"files"`
	Notes   []string     `json:"notes,omitempty"`
}

type fileChange struct {
	Path   string      `json:"path"`
	Action tree.Action `json:"action"`
	Diff   string      `json:"diff"`
}

func scaffoldedOf(result *scaffold.Result, written bool) scaffolded {
	told := scaffolded{Written: written, Files: []fileChange{}, Notes: result.Notes}
	for _, change := range result.Changes {
		told.Files = append(told.Files, fileChange{change.Path, change.Action(), tree.Changes{change}.Diff()})
	}
	return told
}

func printScaffolded(out io.Writer, result *scaffold.Result, dryRun bool, next string) error {
	if dryRun {
		if _, err := io.WriteString(out, result.Changes.Diff()); err != nil {
			return err
		}
		for _, note := range result.Notes {
			fmt.Fprintln(os.Stderr, "note:", note) // the diff can be piped to where it is applied
		}
		return nil
	}
	var text strings.Builder
	for _, change := range result.Changes {
		fmt.Fprintf(&text, "%-7s %s\n", change.Action(), change.Path)
	}
	if len(result.Changes) == 0 {
		text.WriteString("nothing to change\n")
	}
	for _, note := range result.Notes {
		fmt.Fprintln(&text, "note:", note)
	}
	if next != "" {
		fmt.Fprintln(&text, "next:", next)
	}
	_, err := io.WriteString(out, text.String())
	return err
}
