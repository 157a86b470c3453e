//! The verbs of `handbooks`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::NaiveDateTime;
use clap::{Args, Parser, Subcommand};
use handbooks::access::Scope;
use handbooks::catalogue::seed::sheet::Rows;
use handbooks::catalogue::seed::{self, Outcome};
use handbooks::operations::serve::{self, Failure};
use handbooks::operations::{docs, export, file, generate, import, key, logging};
use handbooks::settings::Settings;

/// A headless JSON REST API for a collection of free practical handbooks: volumes, themes, languages, complements, events and download requests.
///
/// Without a verb it serves: it makes and migrates the database, loads the Smart City Practical Handbooks into an empty one, and listens.
///
/// Exit codes: 0, 1 for a fault at run time, 2 for wrong arguments or settings.
#[derive(Parser)]
#[command(name = "handbooks", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum Verb {
    /// Serve the API (the default)
    Serve,
    /// Make the database when it is missing, and bring its schema up to date
    Migrate,
    /// Load the collection: into an empty database, or over what is there with --replace
    Seed(SeedArgs),
    /// Write the collection as files, drafts and dates included, into a folder that can live in git
    Export(ExportArgs),
    /// Make the database hold what files say: a folder written by export, one document, or a CSV file
    Import(ImportArgs),
    /// The PDF files of editions
    #[command(subcommand)]
    File(FileVerb),
    /// The keys of editors, operators and partners
    #[command(subcommand)]
    Key(KeyVerb),
    /// Print the OpenAPI document
    Openapi {
        /// As YAML instead of JSON
        #[arg(long)]
        yaml: bool,
    },
    /// Fill an empty database with made-up volumes, for measuring
    #[command(hide = true)]
    Generate {
        /// How many
        #[arg(long, value_name = "NUMBER", default_value_t = 100)]
        volumes: u32,
    },
    /// Ask the server at HANDBOOKS_BIND whether it is ready; exit code 0 when it is
    Check,
}

#[derive(Args)]
struct SeedArgs {
    /// Overwrite what differs, after telling it
    #[arg(long)]
    replace: bool,
    /// Only tell what would change
    #[arg(long, conflicts_with = "replace")]
    dry_run: bool,
    /// A folder of the layout of src/catalogue/seed/collection, instead of the collection in the binary
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
}

#[derive(Args)]
struct ExportArgs {
    /// Where to: a new or empty folder, or that of an earlier export
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The PDFs too, in DIR/files
    #[arg(long)]
    files: bool,
    /// Into a folder that holds something else, too
    #[arg(long)]
    force: bool,
}

#[derive(Args)]
struct ImportArgs {
    /// The folder, one document such as volumes/mobility.toml, or a CSV file of volumes or events
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Only tell what would change
    #[arg(long)]
    dry_run: bool,
    /// Leave what is in the database and not in DIR; without this it is removed
    #[arg(long)]
    keep: bool,
    /// Leave the PDFs of editions as they are, and do without covers that were never put here
    #[arg(long)]
    without_files: bool,
    /// What the rows of a CSV file are, when its name does not begin with it
    #[arg(long = "as", value_name = "KIND", value_parser = ["volumes", "events"])]
    rows: Option<String>,
}

#[derive(Subcommand)]
enum FileVerb {
    /// Check a PDF, store it, make it the file of an edition, and fulfil the requests that wait for it
    Add(AddArgs),
    /// List the editions and their files
    List,
}

#[derive(Subcommand)]
enum KeyVerb {
    /// Make a key and print it, this once; only a hash of it is kept
    Create {
        /// What it is for
        #[arg(long, value_name = "NAME")]
        name: String,
        /// Who answers for it: a person or a team
        #[arg(long, value_name = "OWNER")]
        owner: Option<String>,
        /// What it allows, once for each: catalogue:write, downloads:read, downloads:erase, keys:manage, statistics:read, partner
        #[arg(long, value_name = "SCOPE", required = true, value_parser = key::scope)]
        scope: Vec<Scope>,
        /// When it ends: a day, an instant, or a number of days such as 90d [default: never]
        #[arg(long, value_name = "WHEN", value_parser = key::expires)]
        expires: Option<NaiveDateTime>,
    },
    /// List the keys: id, name, owner, scopes, state, last use, who made it
    List,
    /// End a key at once and for good
    Revoke {
        /// Its id, from the list
        #[arg(value_name = "ID")]
        id: String,
    },
}

#[derive(Args)]
struct AddArgs {
    /// The volume's id
    #[arg(long, value_name = "ID", required_unless_present = "complement", conflicts_with = "complement")]
    volume: Option<String>,
    /// The complement's id, instead of a volume's
    #[arg(long, value_name = "ID")]
    complement: Option<String>,
    /// The edition's language: fr, nl, en or de
    #[arg(long, value_name = "CODE")]
    language: String,
    /// The PDF
    #[arg(value_name = "FILE")]
    path: PathBuf,
}

#[actix_web::main]
async fn main() -> ExitCode {
    if let Err(e) = dotenvy::dotenv()
        && !e.not_found()
    {
        eprintln!("handbooks: the file .env cannot be read: {e}");
        return ExitCode::from(2);
    }
    // clap exits with 2 by itself when the arguments are wrong.
    let cli = Cli::parse();
    logging::start(cli.settings.log_format);
    let done = run(cli).await;
    // What was logged comes before the last word.
    logging::flush();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Settings(sentence)) => {
            eprintln!("handbooks: {sentence}");
            ExitCode::from(2)
        }
        Err(Failure::Run(sentence)) => {
            eprintln!("handbooks: {sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    let settings = &cli.settings;
    match cli.verb.unwrap_or(Verb::Serve) {
        Verb::Serve => serve::run(settings).await,
        Verb::Migrate => {
            let store = serve::open(settings)?;
            println!("{} is up to date", store.target());
            Ok(())
        }
        Verb::Seed(args) => seed(settings, &args),
        Verb::Export(args) => {
            let (store, storage) = serve::tools(settings)?;
            let wanted = export::Export { folder: args.folder, files: args.files, force: args.force };
            say(&format!("{}\n", export::run(&store, &storage, wanted).await?))
        }
        Verb::Import(args) => {
            // What only looks makes no database.
            let (store, storage) = if args.dry_run { serve::tools(settings)? } else { serve::filled(settings)? };
            let rows = args.rows.as_deref().and_then(Rows::of);
            let wanted = import::Import { path: args.path, dry_run: args.dry_run, keep: args.keep, without_files: args.without_files, rows };
            say(&format!("{}\n", import::run(&store, &storage, wanted).await?))
        }
        Verb::File(FileVerb::Add(args)) => {
            let (store, storage) = serve::tools(settings)?;
            let (kind, id) = match (args.volume, args.complement) {
                (Some(id), _) => (file::Kind::Volume, id),
                (None, id) => (file::Kind::Complement, id.unwrap_or_default()),
            };
            let done = file::add(&store, &storage, file::AddFile { kind, id, language: args.language, path: args.path }).await?;
            println!("{done}");
            Ok(())
        }
        Verb::File(FileVerb::List) => {
            let (store, _) = serve::tools(settings)?;
            say(&file::list(&store)?)
        }
        Verb::Key(KeyVerb::Create { name, owner, scope, expires }) => {
            // With the line end alone on standard output, for `KEY=$(handbooks key create …)`.
            let made = key::create(&serve::tools(settings)?.0, &name, owner.as_deref(), &scope, expires)?;
            println!("{made}");
            Ok(())
        }
        Verb::Key(KeyVerb::List) => say(&key::list(&serve::tools(settings)?.0)?),
        Verb::Key(KeyVerb::Revoke { id }) => {
            println!("{}", key::revoke(&serve::tools(settings)?.0, &id)?);
            Ok(())
        }
        Verb::Openapi { yaml } => say(&if yaml { docs::yaml() } else { docs::pretty() }),
        Verb::Generate { volumes } => {
            println!("{}", generate::run(&serve::open(settings)?, volumes)?);
            Ok(())
        }
        Verb::Check => serve::check(settings).map_err(Failure::Run),
    }
}

/// Writes to standard output. A reader that has gone (`| head`) is no fault.
fn say(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::Run(format!("standard output: {e}"))),
        _ => Ok(()),
    }
}

fn seed(settings: &Settings, args: &SeedArgs) -> Result<(), Failure> {
    let wanted = match &args.from {
        Some(folder) => seed::from_folder(folder),
        None => seed::embedded(),
    };
    let wanted = wanted.map_err(|faults| Failure::Run(format!("{} faults, nothing was loaded:\n  {}", faults.len(), faults.join("\n  "))))?;
    if args.dry_run {
        // What only looks makes no database.
        let (store, _) = serve::tools(settings)?;
        let differences = seed::preview(&store, &wanted)?;
        println!("{}", if differences.is_empty() { "nothing would change".to_owned() } else { differences.join("\n") });
        return Ok(());
    }
    let store = serve::open(settings)?;
    match seed::load(&store, &wanted, args.replace)? {
        Outcome::Loaded(records) => println!("loaded {records} records"),
        Outcome::Unchanged => println!("nothing to change"),
        Outcome::Replaced(differences) => println!("{}\nreplaced: {} differences", differences.join("\n"), differences.len()),
        Outcome::Differs(differences) => {
            return Err(Failure::Run(format!(
                "the database holds something else, and nothing was changed; --replace would change this:\n  {}",
                differences.join("\n  ")
            )));
        }
    }
    Ok(())
}
