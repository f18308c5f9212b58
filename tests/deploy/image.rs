//! The image: what a reader of Dockerfiles objects to, and that it is built as the repository builds.

use super::{root, text};

/// Instructions, with continued lines joined and comments left out.
fn instructions(file: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = file.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    let whole = joined.lines().map(str::trim).filter(|line| !line.is_empty());
    whole
        .map(|line| line.split_once(' ').unwrap())
        .map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()))
        .collect()
}

/// Says what is wrong with a Dockerfile.
fn faults(file: &str) -> Vec<String> {
    let all = instructions(file);
    let last_stage = all.iter().rposition(|(word, _)| word == "FROM").expect("a FROM");
    let mut faults = Vec::new();
    for (index, (word, rest)) in all.iter().enumerate() {
        let is_final = index > last_stage;
        match word.as_str() {
            "FROM" => faults.extend(unpinned(rest)),
            "ADD" => faults.push("ADD unpacks and fetches; COPY does not".to_owned()),
            "COPY" if !rest.contains("--from=") => faults.extend(missing(rest)),
            "RUN" if is_final => faults.push(format!("the image has no shell for `{rest}`")),
            "RUN" if rest.contains("apt-get install") => {
                let is_tidy =
                    rest.contains("--no-install-recommends") && rest.contains("rm -rf /var/lib/apt/lists");
                faults.extend((!is_tidy).then(|| format!("`{rest}` leaves more than it needs")));
            }
            "ENV" | "ARG"
                if ["SECRET", "PASSWORD", "TOKEN", "_KEY", "SALT"].iter().any(|bad| rest.contains(bad)) =>
            {
                faults.push(format!("a secret would stay in the image: `{rest}`"));
            }
            "HEALTHCHECK" | "ENTRYPOINT" if !rest.contains("[\"/usr/local/bin/opentrack\"") => {
                faults.push(format!("{word} must run the binary itself, there is no shell"));
            }
            _ => {}
        }
    }
    let last = |wanted: &str| {
        all[last_stage..].iter().rfind(|(word, _)| word == wanted).map(|(_, rest)| rest.as_str())
    };
    let is_number = |user: &str| user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id >= 10_000));
    if !last("USER").is_some_and(is_number) {
        faults.push(
            "USER must be a number above those of the system, so that Kubernetes can see that it is not root"
                .into(),
        );
    }
    for wanted in ["HEALTHCHECK", "ENTRYPOINT", "STOPSIGNAL", "VOLUME"] {
        faults.extend(last(wanted).is_none().then(|| format!("there is no {wanted}")));
    }
    faults
}

fn unpinned(from: &str) -> Option<String> {
    let image = from.split(' ').next().unwrap();
    let tag = image.rsplit('/').next().unwrap().split_once(':').map(|(_, tag)| tag);
    (tag.is_none() || tag == Some("latest")).then(|| format!("`{image}` has no tag of a version"))
}

/// Sources that do not exist, or that `.dockerignore` keeps out.
fn missing(rest: &str) -> Vec<String> {
    let words: Vec<&str> = rest.split(' ').filter(|word| !word.starts_with("--")).collect();
    let (_, sources) = words.split_last().unwrap();
    let is_there = |source: &&&str| root().join(source).try_exists().is_ok_and(|there| there);
    sources
        .iter()
        .filter(|source| !is_there(source))
        .map(|source| format!("there is no `{source}`"))
        .collect()
}

#[test]
fn the_image_is_small_has_no_secret_and_does_not_run_as_root() {
    let file = text("Dockerfile");
    assert_eq!(faults(&file), [""; 0]);
    let without_user = file.replace("USER 10001:10001\n", "");
    let latest = file.replace("distroless/cc-debian12:nonroot", "distroless/cc-debian12");
    let secret = file.replace("ENV PORT=3000", "ENV JWT_SECRET=x PORT=3000");
    let shell = file
        .replace("CMD [\"/usr/local/bin/opentrack\", \"ready\"]", "CMD curl -f http://localhost:3000/ready");
    let absent = file.replace("COPY . .", "COPY nowhere .");
    for wrong in [without_user, latest, secret, shell, absent] {
        assert_ne!(wrong, file);
        assert_eq!(faults(&wrong).len(), 1, "{:?}", faults(&wrong));
    }
}

#[test]
fn the_image_is_built_by_the_verb_that_publishes() {
    let (file, makefile, cargo) = (text("Dockerfile"), text("Makefile"), text("Cargo.toml"));
    assert!(file.contains("make release && cp target/dist/opentrack"));
    assert!(
        makefile.contains("\nrelease: ## ") && makefile.contains("\tcargo build --locked --profile dist\n")
    );
    assert!(cargo.contains("[profile.dist]"));
    let minimum =
        cargo.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    assert!(file.contains(&format!("FROM rust:{minimum}")), "the compiler of the image is {minimum}");
}

#[test]
fn what_the_build_needs_comes_into_the_image_and_secrets_do_not() {
    let ignored = text(".dockerignore");
    let lines: Vec<&str> =
        ignored.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    for secret in ["**/.env", "**/secrets.toml", ".git", "**/target", "**/node_modules"] {
        assert!(lines.contains(&secret), "{secret}");
    }
    // Cargo wants every target that Cargo.toml names, also for the binary alone.
    for needed in ["src", "web", "tests", "benches", "Cargo.toml", "Cargo.lock", "Makefile", "config.toml"] {
        assert!(!lines.contains(&needed) && root().join(needed).try_exists().unwrap(), "{needed}");
    }
}
