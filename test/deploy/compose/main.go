// Reads a compose file as Docker Compose does, with its own loader, and prints what it understands as JSON:
//
//	compose FILE < VARIABLES
//
// The standard input holds the variables of `.env`. Exits with 1 where Docker Compose would not start it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/dotenv"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	variables, err := dotenv.Parse(os.Stdin)
	if err != nil {
		return err
	}
	given := func(options *cli.ProjectOptions) error {
		options.Environment = variables
		return nil
	}
	options, err := cli.NewProjectOptions(os.Args[1:], given, cli.WithInterpolation(true),
		cli.WithResolvedPaths(true), cli.WithNormalization(true), cli.WithConsistency(true))
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(project)
}
