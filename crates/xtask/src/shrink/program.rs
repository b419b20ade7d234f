//! The program: which exports it keeps, how imports and exports are called, and where each function stands.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, ExportSection, FunctionSection, ImportSection, Module};
use wasmparser::{
    BinaryReaderError, CodeSectionReader, Export, FunctionBody, FunctionSectionReader, ImportSectionReader, Operator, Parser, Payload,
    TypeRef,
};

use super::glue::MODULE;
use crate::failure::{Failure, Outcome};

/// The names that a program imports.
///
/// # Errors
///
/// When it is no WebAssembly.
pub(super) fn imports(program: &[u8]) -> Outcome<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for payload in Parser::new(0).parse_all(program) {
        if let Payload::ImportSection(section) = payload.map_err(unreadable)? {
            for import in section.into_imports() {
                names.insert(import.map_err(unreadable)?.name.to_owned());
            }
        }
    }
    Ok(names)
}

/// The program with some of its exports only. What nothing else needs is still there: wasm-opt removes it.
///
/// # Errors
///
/// When it is no WebAssembly.
pub(super) fn keep(program: &[u8], wanted: impl Fn(&str) -> bool) -> Outcome<Vec<u8>> {
    rewrite(program, &mut Kept { wanted })
}

/// The program with other names for what it imports and exports, and with functions beside those that are like them.
///
/// # Errors
///
/// When it is no WebAssembly.
pub(super) fn rename(program: &[u8], names: &BTreeMap<String, String>) -> Outcome<Vec<u8>> {
    rewrite(program, &mut Renamed { names, places: Places::by_likeness(program).map_err(unreadable)? })
}

fn rewrite(program: &[u8], by: &mut impl Reencode<Error = Infallible>) -> Outcome<Vec<u8>> {
    let mut module = Module::new();
    by.parse_core_module(&mut module, Parser::new(0), program).map_err(unreadable)?;
    Ok(module.finish())
}

fn unreadable(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("the built program cannot be read: {error}"))
}

struct Kept<F> {
    wanted: F,
}

impl<F: Fn(&str) -> bool> Reencode for Kept<F> {
    type Error = Infallible;

    fn parse_export(&mut self, exports: &mut ExportSection, export: Export<'_>) -> Result<(), Error<Infallible>> {
        if !(self.wanted)(export.name) {
            return Ok(());
        }
        utils::parse_export(self, exports, export)
    }
}

/// Where each function goes. Imported ones stay where they are, before all others.
struct Places {
    imported: u32,
    /// The old places, in the new order.
    order: Vec<usize>,
    /// The new places, in the old order.
    new: Vec<u32>,
}

impl Places {
    fn by_likeness(program: &[u8]) -> Result<Self, BinaryReaderError> {
        let (mut imported, mut types, mut bodies) = (0, Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(program) {
            let payload = payload?;
            if let Payload::ImportSection(section) = payload {
                for import in section.into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            } else if let Payload::FunctionSection(section) = payload {
                types = section.into_iter().collect::<Result<_, _>>()?;
            } else if let Payload::CodeSectionEntry(body) = payload {
                bodies.push(body);
            }
        }
        let mut order: Vec<usize> = (0..bodies.len()).collect();
        order.sort_by_key(|at| (types.get(*at), bodies[*at].as_bytes()));
        let order = by_likeness(&order, &bodies.iter().map(runs).collect::<Result<Vec<_>, _>>()?);
        let mut places: Vec<(usize, u32)> = order.iter().copied().zip(0..).collect();
        places.sort_unstable();
        let new = places.into_iter().map(|(_, place)| imported + place).collect();
        Ok(Self { imported, order, new })
    }
}

/// So many instructions in a row are compared.
const RUN: usize = 3;

/// The runs of instructions in a function, each once. Which function is called does not count: callers are alike all the same.
fn runs(body: &FunctionBody<'_>) -> Result<BTreeSet<String>, BinaryReaderError> {
    let told = |operator: Operator<'_>| if matches!(operator, Operator::Call { .. }) { "call".to_owned() } else { format!("{operator:?}") };
    let instructions: Vec<String> =
        body.get_operators_reader()?.into_iter().map(|operator| operator.map(told)).collect::<Result<_, _>>()?;
    Ok(instructions.windows(RUN).map(|run| run.join(" ")).collect())
}

/// Reorders functions so that each follows the one that it has the most in common with, of those that have no place yet; where
/// none has anything, the next of the given order does. The fewer functions have a run, the more it counts.
fn by_likeness(order: &[usize], runs: &[BTreeSet<String>]) -> Vec<usize> {
    let mut holders: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for at in order {
        for run in &runs[*at] {
            holders.entry(run).or_default().push(*at);
        }
    }
    let weight = |holders: &[usize]| u64::from((runs.len() / holders.len()).ilog2());
    let held: Vec<Vec<&[usize]>> = runs.iter().map(|runs| runs.iter().map(|run| holders[run.as_str()].as_slice()).collect()).collect();
    let weights: Vec<u64> = held.iter().map(|held| held.iter().map(|holders| weight(holders)).sum()).collect();
    let mut placed = vec![false; runs.len()];
    let mut placing = Vec::with_capacity(order.len());
    let mut shared = vec![0; runs.len()];
    let mut rest = order.iter().copied();
    let mut next = rest.next();
    while let Some(at) = next {
        placed[at] = true;
        placing.push(at);
        shared.fill(0);
        for holders in held[at].iter().filter(|holders| weight(holders) > 0) {
            holders.iter().for_each(|other| shared[*other] += weight(holders));
        }
        // The share of the weight of both, in millionths.
        let likeness = |other: usize| shared[other] * 1_000_000 / (weights[at] + weights[other] - shared[other]);
        let like = (0..runs.len()).filter(|other| !placed[*other] && shared[*other] > 0);
        next = like.max_by_key(|other| (likeness(*other), Reverse(*other))).or_else(|| rest.find(|at| !placed[*at]));
    }
    placing
}

struct Renamed<'a> {
    names: &'a BTreeMap<String, String>,
    places: Places,
}

impl Renamed<'_> {
    fn name<'a>(&'a self, name: &'a str) -> &'a str {
        self.names.get(name).map_or(name, String::as_str)
    }
}

impl Reencode for Renamed<'_> {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<Infallible>> {
        let own = function.checked_sub(self.places.imported).and_then(|at| self.places.new.get(at as usize));
        Ok(own.copied().unwrap_or(function))
    }

    fn parse_import_section(&mut self, imports: &mut ImportSection, section: ImportSectionReader<'_>) -> Result<(), Error<Infallible>> {
        for import in section.into_imports() {
            let import = import?;
            let entity = self.entity_type(import.ty)?;
            imports.import(MODULE, self.name(import.name), entity);
        }
        Ok(())
    }

    fn parse_export(&mut self, exports: &mut ExportSection, export: Export<'_>) -> Result<(), Error<Infallible>> {
        let name = self.name(export.name).to_owned();
        utils::parse_export(self, exports, Export { name: &name, ..export })
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        let types: Vec<u32> = section.into_iter().collect::<Result<_, _>>()?;
        for at in &self.places.order {
            functions.function(types[*at]);
        }
        Ok(())
    }

    fn parse_code_section(&mut self, code: &mut CodeSection, section: CodeSectionReader<'_>) -> Result<(), Error<Infallible>> {
        let bodies: Vec<FunctionBody<'_>> = section.into_iter().collect::<Result<_, _>>()?;
        for at in self.places.order.clone() {
            utils::parse_function_body(self, code, bodies[at].clone())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use wasm_encoder::{
        CodeSection, ConstExpr, ElementSection, Elements, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection,
        Module, RefType, TableSection, TableType, TypeSection, ValType,
    };
    use wasmparser::{ElementItems, Operator, Parser, Payload};

    use super::{by_likeness, imports, keep, rename};

    /// Two imports; three functions: one calls the last and the first import, one gives 2, one gives 1 and stands in the table.
    fn program() -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        types.ty().function([], [ValType::I32]);
        let mut imported = ImportSection::new();
        imported.import("./program_bg.js", "__wbg_abort_1", EntityType::Function(0));
        imported.import("./program_bg.js", "__wbg_open_2", EntityType::Function(0));
        let mut functions = FunctionSection::new();
        functions.function(1).function(1).function(0);
        let mut tables = TableSection::new();
        let element_type = RefType::FUNCREF;
        tables.table(TableType { element_type, table64: false, minimum: 1, maximum: None, shared: false });
        let mut exports = ExportSection::new();
        exports.export("two", ExportKind::Func, 2).export("start", ExportKind::Func, 4);
        let mut elements = ElementSection::new();
        elements.active(None, &ConstExpr::i32_const(0), Elements::Functions([3].as_slice().into()));
        let mut code = CodeSection::new();
        for number in [2, 1] {
            let mut body = Function::new([]);
            body.instructions().i32_const(number).end();
            code.function(&body);
        }
        let mut body = Function::new([]);
        body.instructions().call(3).drop().call(0).end();
        code.function(&body);
        let mut module = Module::new();
        module.section(&types).section(&imported).section(&functions).section(&tables).section(&exports).section(&elements).section(&code);
        module.finish()
    }

    fn in_words(operator: Operator<'_>) -> Option<String> {
        if let Operator::Call { function_index } = operator {
            return Some(format!("call {function_index}"));
        }
        if let Operator::I32Const { value } = operator { Some(format!("give {value}")) } else { None }
    }

    /// The program in words: what is exported, what stands in the table, and each function's instructions.
    fn told(program: &[u8]) -> Vec<String> {
        let mut told = Vec::new();
        for payload in Parser::new(0).parse_all(program) {
            let payload = payload.unwrap();
            if let Payload::ExportSection(section) = payload {
                let exports = section.into_iter().map(Result::unwrap);
                told.extend(exports.map(|export| format!("{} is {}", export.name, export.index)));
            } else if let Payload::ElementSection(section) = payload {
                for element in section {
                    let ElementItems::Functions(functions) = element.unwrap().items else { panic!("the table has functions") };
                    told.extend(functions.into_iter().map(|function| format!("table holds {}", function.unwrap())));
                }
            } else if let Payload::CodeSectionEntry(body) = payload {
                let operators = body.get_operators_reader().unwrap().into_iter().map(Result::unwrap);
                told.push(operators.filter_map(in_words).collect::<Vec<_>>().join(", "));
            }
        }
        told
    }

    #[test]
    fn functions_are_sorted_by_type_and_content_and_whoever_names_one_names_its_new_place() {
        let names = BTreeMap::from([("start".to_owned(), "s".to_owned())]);
        let sorted = rename(&program(), &names).unwrap();
        let expected = ["two is 4", "s is 2", "table holds 3", "call 3, call 0", "give 1", "give 2"];
        assert_eq!(told(&sorted), expected);
    }

    #[test]
    fn functions_stand_beside_those_they_have_most_in_common_with() {
        let runs = ["abc", "xyz", "abx", "xy", "q"].map(|runs| runs.chars().map(String::from).collect());
        assert_eq!(by_likeness(&[0, 1, 2, 3, 4], &runs), [0, 2, 1, 3, 4]);
    }

    #[test]
    fn imports_take_the_names_of_the_glue_and_others_keep_theirs() {
        let names = BTreeMap::from([("__wbg_abort_1".to_owned(), "a".to_owned())]);
        let renamed = imports(&rename(&program(), &names).unwrap()).unwrap();
        assert_eq!(renamed.iter().map(String::as_str).collect::<Vec<_>>(), ["__wbg_open_2", "a"]);
    }

    #[test]
    fn an_unwanted_export_goes_and_its_function_stays() {
        let kept = keep(&program(), |name| name == "start").unwrap();
        assert_eq!(told(&kept), ["start is 4", "table holds 3", "give 2", "give 1", "call 3, call 0"]);
    }

    #[test]
    fn what_is_no_program_is_refused() {
        assert!(imports(b"<!doctype html>").is_err());
    }
}
