//! The words of the form, in the languages of the API.

use crate::catalogue::locale::LANGUAGES;

/// A text in French, Dutch, English and German: the order of [`LANGUAGES`].
pub type Label = [&'static str; 4];

/// The text of a label in a language.
pub fn say(label: &Label, language: &str) -> &'static str {
    let at = LANGUAGES.iter().position(|code| *code == language).unwrap_or_default();
    label.get(at).copied().unwrap_or_default()
}

pub const FORM: Label = ["Demander des guides", "Gidsen aanvragen", "Ask for handbooks", "Leitfäden anfordern"];
pub const FORM_HELP: Label = [
    "Choisissez les éditions souhaitées. Tous les champs qui vous concernent sont facultatifs : la réponse contient directement les liens de téléchargement.",
    "Kies de gewenste edities. Alle velden over uzelf zijn facultatief: het antwoord bevat meteen de downloadlinks.",
    "Choose the editions you want. Every field about yourself is optional: the answer holds the download links.",
    "Wählen Sie die gewünschten Ausgaben. Alle Felder zu Ihrer Person sind freiwillig: Die Antwort enthält direkt die Links zum Herunterladen.",
];
pub const REMARK: Label = [
    "Les champs de ce formulaire sont un choix de cette API ; ils ne reproduisent pas le formulaire de l'éditeur.",
    "De velden van dit formulier zijn een keuze van deze API; ze geven niet het formulier van de uitgever weer.",
    "The fields of this form are a choice of this API; they do not reproduce the publisher's own form.",
    "Die Felder dieses Formulars sind eine Entscheidung dieser API; sie geben nicht das Formular des Herausgebers wieder.",
];

const UNKNOWN: Label = ["", "", "", ""];

/// The label of a property of the form.
pub fn property(name: &str) -> &'static Label {
    match name {
        "editions" => &["Éditions", "Edities", "Editions", "Ausgaben"],
        "requester" => &["À propos de vous", "Over u", "About you", "Zu Ihrer Person"],
        "name" => &["Nom", "Naam", "Name", "Name"],
        "email" => &["Adresse électronique", "E-mailadres", "E-mail address", "E-Mail-Adresse"],
        "organization" => &["Organisation", "Organisatie", "Organization", "Organisation"],
        "organizationType" => &["Type d'organisation", "Soort organisatie", "Type of organization", "Art der Organisation"],
        "role" => &["Fonction", "Functie", "Role", "Funktion"],
        "municipality" => &["Commune", "Gemeente", "Municipality", "Gemeinde"],
        "country" => &["Pays", "Land", "Country", "Land"],
        "purpose" => &["Usage prévu", "Beoogd gebruik", "Intended use", "Verwendungszweck"],
        "privacyNotice" => &[
            "Version de l'avis de confidentialité",
            "Versie van de privacyverklaring",
            "Version of the privacy notice",
            "Fassung der Datenschutzhinweise",
        ],
        "consents" => &["Consentements", "Toestemmingen", "Consents", "Einwilligungen"],
        "text" => &["Version du texte", "Versie van de tekst", "Version of the text", "Fassung des Textes"],
        "given" => &["J'y consens", "Ik stem ermee in", "I agree", "Ich willige ein"],
        "language" => &["Langue de la réponse", "Taal van het antwoord", "Language of the answer", "Sprache der Antwort"],
        _ => &UNKNOWN,
    }
}

/// What helps to fill in a property; nothing where its label says it all.
pub fn help(name: &str) -> Option<&'static Label> {
    Some(match name {
        "email" => &[
            "Aucun courrier n'est envoyé sans votre consentement.",
            "Zonder uw toestemming wordt er geen mail gestuurd.",
            "No mail is sent without your consent.",
            "Ohne Ihre Einwilligung wird keine E-Mail verschickt.",
        ],
        "municipality" => &[
            "Code REFNIS à cinq chiffres d'une commune belge, par exemple 62063 pour Liège.",
            "Vijfcijferige REFNIS-code van een Belgische gemeente, bijvoorbeeld 62063 voor Luik.",
            "Five-digit REFNIS code of a Belgian municipality, for example 62063 for Liège.",
            "Fünfstelliger REFNIS-Code einer belgischen Gemeinde, zum Beispiel 62063 für Lüttich.",
        ],
        "country" => &[
            "Code à deux lettres (ISO 3166-1) ; votre environnement en connaît les noms, par exemple par Intl.DisplayNames.",
            "Tweelettercode (ISO 3166-1); uw omgeving kent de namen, bijvoorbeeld via Intl.DisplayNames.",
            "Two-letter code (ISO 3166-1); your platform knows the names, for example through Intl.DisplayNames.",
            "Zweistelliger Code (ISO 3166-1); Ihre Plattform kennt die Namen, zum Beispiel über Intl.DisplayNames.",
        ],
        "consents" => &[
            "Votre réponse, positive ou négative, n'a aucun effet sur le téléchargement.",
            "Uw antwoord, ja of nee, heeft geen invloed op het downloaden.",
            "Your answer, yes or no, makes no difference to the download.",
            "Ihre Antwort, ob ja oder nein, hat keinen Einfluss auf das Herunterladen.",
        ],
        _ => return None,
    })
}

/// The label of a code, of whatever list; nothing for countries, whose names are no concern of this API.
pub fn code(code: &str) -> Option<&'static Label> {
    Some(match code {
        "municipality" => &["Commune ou ville", "Gemeente of stad", "Municipality or city", "Gemeinde oder Stadt"],
        "intermunicipalCompany" => &["Intercommunale", "Intercommunale", "Intermunicipal company", "Interkommunale"],
        "province" => &["Province", "Provincie", "Province", "Provinz"],
        "regionalAuthority" => &[
            "Administration régionale ou communautaire",
            "Regionale of gemeenschapsoverheid",
            "Regional or community authority",
            "Regional- oder Gemeinschaftsbehörde",
        ],
        "federalAuthority" => &["Administration fédérale", "Federale overheid", "Federal authority", "Föderalbehörde"],
        "otherPublicBody" => &["Autre organisme public", "Andere overheidsinstelling", "Other public body", "Andere öffentliche Einrichtung"],
        "company" => &["Entreprise", "Onderneming", "Company", "Unternehmen"],
        "association" => &["Association", "Vereniging", "Association", "Vereinigung"],
        "schoolOrUniversity" => {
            &["École, haute école ou université", "School, hogeschool of universiteit", "School or university", "Schule, Hochschule oder Universität"]
        }
        "media" => &["Média", "Media", "Media", "Medien"],
        "individual" => &["À titre personnel", "Op persoonlijke titel", "As an individual", "Als Privatperson"],
        "electedOfficial" => &["Mandataire politique", "Verkozen mandataris", "Elected official", "Mandatsträgerin oder Mandatsträger"],
        "management" => &["Direction", "Directie", "Management", "Leitung"],
        "projectManager" => &["Gestion de projet", "Projectleiding", "Project management", "Projektleitung"],
        "employee" => &["Agent ou employé", "Medewerker", "Employee", "Mitarbeit"],
        "consultant" => &["Conseil", "Advies", "Consultancy", "Beratung"],
        "researcher" => &["Recherche", "Onderzoek", "Research", "Forschung"],
        "teacher" => &["Enseignement", "Onderwijs", "Teaching", "Lehre"],
        "student" => &["Études", "Studie", "Studies", "Studium"],
        "citizen" => &["Citoyen", "Burger", "Citizen", "Bürgerin oder Bürger"],
        "strategy" => &["Élaborer une stratégie", "Een strategie uitwerken", "Drawing up a strategy", "Eine Strategie ausarbeiten"],
        "project" => &["Mener un projet", "Een project uitvoeren", "Carrying out a project", "Ein Projekt durchführen"],
        "policy" => &[
            "Préparer une décision politique",
            "Een beleidsbeslissing voorbereiden",
            "Preparing a policy decision",
            "Eine politische Entscheidung vorbereiten",
        ],
        "teaching" => &["Enseigner", "Lesgeven", "Teaching", "Unterrichten"],
        "research" => &["Faire de la recherche", "Onderzoek doen", "Doing research", "Forschen"],
        "information" => &["M'informer", "Mij informeren", "Keeping informed", "Mich informieren"],
        "other" => &["Autre", "Andere", "Other", "Andere"],
        "fr" => &["Français", "Frans", "French", "Französisch"],
        "nl" => &["Néerlandais", "Nederlands", "Dutch", "Niederländisch"],
        "en" => &["Anglais", "Engels", "English", "Englisch"],
        "de" => &["Allemand", "Duits", "German", "Deutsch"],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::download::request::rules::{ORGANIZATION_TYPES, PURPOSES, REQUESTER, ROLES};

    #[test]
    fn everything_has_its_words() {
        for list in [ORGANIZATION_TYPES, ROLES, PURPOSES, LANGUAGES] {
            for one in list {
                assert!(code(one).is_some_and(|label| label.iter().all(|word| !word.is_empty())), "{one}");
            }
        }
        let names = ["editions", "requester", "purpose", "privacyNotice", "consents", "text", "given", "language"];
        for name in names.into_iter().chain(REQUESTER.iter().map(|field| field.name)) {
            assert!(property(name).iter().all(|word| !word.is_empty()), "{name}");
        }
        assert_eq!(say(&FORM, "de"), "Leitfäden anfordern");
    }
}
