// Command ferretdb serves the MongoDB wire protocol from SQLite files or a PostgreSQL database, for tests.
//
//	ferretdb ADDRESS FOLDER
//	ferretdb ADDRESS postgres://HOST:PORT/DATABASE?user=...
//
// What it answered outlives its own death, not the machine's: its files are not synced.
// It ends on SIGTERM and SIGINT.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: ferretdb ADDRESS FOLDER|POSTGRESQL_URL")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(address, place string) error {
	config := &ferretdb.Config{
		Listener: ferretdb.ListenerConfig{TCP: address},
		Logger:   slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if strings.HasPrefix(place, "postgres://") {
		config.Handler, config.PostgreSQLURL = "postgresql", place
	} else {
		absolute, err := filepath.Abs(place)
		if err != nil {
			return err
		}
		config.Handler, config.SQLiteURL = "sqlite", "file:"+absolute+"/?_pragma=synchronous(off)"
	}
	server, err := ferretdb.New(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return server.Run(ctx)
}
