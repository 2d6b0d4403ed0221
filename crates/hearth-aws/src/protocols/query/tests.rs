use proptest::prelude::*;

use super::*;

fn model() -> &'static Model {
    Model::of("iam").expect("in models/")
}

fn input(operation: &str, form: &str) -> Result<Document, ApiError> {
    read(model(), model().operation(operation).expect(operation), &Form::parse(form)?)
}

#[test]
fn lists_are_read_in_the_order_of_their_numbers() {
    let form =
        "RoleName=r&Tags.member.10.Key=b&Tags.member.10.Value=2&Tags.member.2.Key=a&Tags.member.2.Value=1";
    let tag = |key: &str, value: &str| {
        let text = |text: &str| Document::String(text.to_owned());
        Document::Structure(vec![("Key", text(key)), ("Value", text(value))])
    };
    let Ok(Document::Structure(members)) = input("TagRole", form) else { panic!("readable") };
    assert_eq!(members[1], ("Tags", Document::List(vec![tag("a", "1"), tag("b", "2")])));
}

#[test]
fn an_empty_list_is_sent_as_its_name_alone() {
    let Ok(Document::Structure(members)) = input("TagRole", "RoleName=r&Tags=") else { panic!("readable") };
    assert_eq!(members[1], ("Tags", Document::List(vec![])));
}

#[test]
fn a_number_that_is_none_is_an_error_of_the_caller_s() {
    let error = input("ListRoles", "MaxItems=many").expect_err("not a number");
    assert_eq!(error.message, "\"many\" can not be converted to Integer");
}

#[test]
fn a_form_of_very_many_parameters_is_refused_before_it_fills_the_memory() {
    assert!(input("GetRole", &"a&".repeat(99_000)).is_ok());
    assert_eq!(input("GetRole", &"a&".repeat(100_000)).expect_err("too many").message, "too many parameters");
}

#[test]
fn markup_and_control_characters_in_values_are_harmless() {
    let mut out = xml::Writer::default();
    out.text("Message", "<a href=\"x\">&\0\u{1b}'\n");
    assert_eq!(out.finish(), "<Message>&lt;a href=\"x\"&gt;&amp;??'\n</Message>");
}

proptest! {
    #[test]
    fn no_form_makes_it_panic(form in "\\PC{0,200}", number in any::<u64>()) {
        let _ = input("CreateRole", &form);
        let _ = input("CreateRole", &format!("Tags.member.{number}.Key={form}&Tags.member.{form}&Tags.{form}=1"));
    }
}
