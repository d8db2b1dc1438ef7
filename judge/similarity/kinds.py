"""What the nodes of all grammars mean here: one table by node name, whichever the language.

The names of grammars agree widely (`if_statement`, `call_expression`), so one table serves all.
A name that is missing costs evidence and breaks nothing: its children are walked all the same.
"""

from enum import IntEnum


class Part(IntEnum):
    """A structural token: what a piece of code does, not how it is written.

    Stored in fingerprints: never renumber, only add.
    """

    CLASS = 1
    CLASS_END = 2
    FUNCTION = 3
    FUNCTION_END = 4
    LOOP = 5
    LOOP_END = 6
    IF = 7
    IF_END = 8
    ELSE = 9
    SWITCH = 10
    SWITCH_END = 11
    CASE = 12
    TRY = 13
    TRY_END = 14
    CATCH = 15
    DECLARE = 16
    ASSIGN = 17
    CALL = 18
    NEW = 19
    RETURN = 20
    BREAK = 21
    CONTINUE = 22
    THROW = 23
    LAMBDA = 24
    INDEX = 25
    PARAMETER = 26
    FIELD = 27
    LITERAL_LIST = 28
    JUMP = 29
    YIELD = 30


class Leaf(IntEnum):
    """What a leaf is once its spelling is taken away; punctuation and keywords stay themselves."""

    NAME = 1
    TYPE = 2
    NUMBER = 3
    TEXT = 4
    CHARACTER = 5
    TRUTH = 6
    NOTHING = 7


# Comments; what brings in a library; access and storage words, which change nothing.
SKIPPED = frozenset(
    [
        "comment",
        "line_comment",
        "block_comment",
        "doc_comment",
        "html_comment",
        "hash_bang_line",
        "shebang",
        "shebang_directive",
        "line_continuation",
        "import_declaration",
        "import_statement",
        "import_from_statement",
        "future_import_statement",
        "package_declaration",
        "package_clause",
        "package_header",
        "using_directive",
        "using_declaration",
        "use_declaration",
        "extern_crate_declaration",
        "preproc_include",
        "preproc_pragma",
        "preproc_region",
        "preproc_endregion",
        "extern_alias_directive",
        "modifiers",
        "modifier",
        "visibility_modifier",
        "access_specifier",
        "storage_class_specifier",
        "type_qualifier",
        "mutable_specifier",
        "accessibility_modifier",
        "override_modifier",
        "virtual_specifier",
        "annotation",
        "marker_annotation",
        "attribute_item",
        "inner_attribute_item",
        "attribute_list",
        "global_attribute",
        "attribute_declaration",
        "attribute_specifier",
        "decorator",
        "throws",
        "noexcept",
        "empty_statement",
    ]
)

# Nodes taken whole: what is inside does not matter or must not be split.
ATOMS: dict[str, Leaf] = {
    name: leaf
    for leaf, names in {
        Leaf.TEXT: """
            string string_literal raw_string_literal template_string concatenated_string
            interpreted_string_literal verbatim_string_literal interpolated_string_expression
            multiline_string_literal system_lib_string regex""",
        Leaf.CHARACTER: "char_literal character_literal rune_literal",
        Leaf.NUMBER: """
            number number_literal integer float integer_literal float_literal real_literal
            int_literal imaginary_literal decimal_integer_literal hex_integer_literal
            octal_integer_literal binary_integer_literal decimal_floating_point_literal
            hex_floating_point_literal user_defined_literal""",
        Leaf.TYPE: """
            primitive_type sized_type_specifier integral_type floating_point_type boolean_type
            void_type predefined_type implicit_type placeholder_type_specifier auto
            type_identifier inferred_type""",
        Leaf.NAME: """
            identifier field_identifier property_identifier private_property_identifier
            shorthand_property_identifier shorthand_property_identifier_pattern
            statement_identifier namespace_identifier package_identifier label_name
            shorthand_field_identifier blank_identifier""",
        Leaf.TRUTH: "true false boolean_literal",
        Leaf.NOTHING: "null null_literal none nil undefined",
    }.items()
    for name in names.split()
}

# Python writes text in three leaves, and expressions inside it are code: all of a program, maybe.
UNSPLIT_ONLY_WITHOUT = {
    **dict.fromkeys(("string", "concatenated_string", "string_literal"), "interpolation"),
    **dict.fromkeys(
        ("interpolated_string_expression", "multiline_string_literal"), "interpolation"
    ),
    "template_string": "template_substitution",
}

ENTERED: dict[str, Part] = {
    name: part
    for part, names in {
        Part.CLASS: """
            class_declaration class_definition class_specifier struct_specifier struct_item
            struct_declaration interface_declaration enum_declaration enum_specifier enum_item
            record_declaration object_declaration companion_object impl_item trait_item
            union_specifier struct_type object_literal annotation_type_declaration
            abstract_class_declaration""",
        Part.FUNCTION: """
            function_definition function_declaration method_declaration constructor_declaration
            function_item method_definition local_function_statement generator_function_declaration
            secondary_constructor operator_declaration compact_constructor_declaration""",
        Part.LOOP: """
            for_statement while_statement do_statement enhanced_for_statement for_range_loop
            for_in_statement foreach_statement for_expression while_expression loop_expression
            do_while_statement for_in_clause""",
        Part.IF: """
            if_statement if_expression conditional_expression ternary_expression elif_clause
            if_clause""",
        Part.ELSE: "else_clause",
        Part.SWITCH: """
            switch_statement switch_expression expression_switch_statement type_switch_statement
            match_statement match_expression when_expression select_statement""",
        Part.CASE: """
            case_statement switch_case switch_default switch_label switch_section expression_case
            default_case type_case communication_case match_arm case_clause when_entry
            switch_rule switch_expression_arm""",
        Part.TRY: "try_statement try_expression try_with_resources_statement try_block",
        Part.CATCH: "catch_clause except_clause catch_block",
        Part.DECLARE: """
            variable_declarator init_declarator let_declaration short_var_declaration var_spec
            property_declaration const_spec const_item static_item""",
        Part.ASSIGN: """
            assignment assignment_expression augmented_assignment assignment_statement
            augmented_assignment_expression compound_assignment_expr update_expression
            inc_statement dec_statement named_expression""",
        Part.CALL: """
            call call_expression method_invocation invocation_expression macro_invocation
            explicit_constructor_invocation print_statement constructor_invocation""",
        Part.NEW: """
            object_creation_expression array_creation_expression new_expression
            implicit_object_creation_expression implicit_array_creation_expression
            composite_literal struct_expression""",
        Part.RETURN: "return_statement return_expression co_return_statement",
        Part.BREAK: "break_statement break_expression",
        Part.CONTINUE: "continue_statement continue_expression",
        Part.THROW: "throw_statement raise_statement throw_expression",
        Part.LAMBDA: """
            lambda lambda_expression lambda_literal closure_expression arrow_function
            func_literal anonymous_function function_expression anonymous_method_expression""",
        Part.INDEX: """
            subscript subscript_expression array_access index_expression
            element_access_expression""",
        Part.PARAMETER: """
            formal_parameter parameter_declaration parameter typed_parameter default_parameter
            required_parameter optional_parameter""",
        Part.FIELD: "field_declaration public_field_definition field_definition",
        Part.LITERAL_LIST: """
            array_initializer initializer_list list dictionary array array_expression
            list_comprehension dictionary_comprehension set_comprehension generator_expression
            collection_expression initializer_expression literal_value""",
        Part.JUMP: "goto_statement",
        Part.YIELD: "yield yield_statement yield_expression",
    }.items()
    for name in names.split()
}

# What has a name that something must say for it to be used.
_DEFINITIONS = """
    function_definition function_declaration method_declaration function_item method_definition
    local_function_statement class_declaration class_definition class_specifier struct_specifier
    struct_item interface_declaration enum_declaration enum_specifier enum_item record_declaration
    object_declaration preproc_def preproc_function_def type_definition alias_declaration
"""
DEFINITIONS = frozenset(_DEFINITIONS.split())

# A class with one of these has members that what it is made from may call.
INHERITING = frozenset(
    [
        "superclass",
        "super_interfaces",
        "extends_interfaces",
        "base_class_clause",
        "base_list",
        "argument_list",
        "class_heritage",
        "delegation_specifiers",
        "delegation_specifier",
        "interface_body",
    ]
)
# Members of what is made on the spot are called by whoever gets it.
NAMELESS = frozenset(["object_creation_expression", "object_literal", "object", "impl_item"])

LEFT: dict[Part, Part] = {
    Part.CLASS: Part.CLASS_END,
    Part.FUNCTION: Part.FUNCTION_END,
    Part.LOOP: Part.LOOP_END,
    Part.IF: Part.IF_END,
    Part.SWITCH: Part.SWITCH_END,
    Part.TRY: Part.TRY_END,
}

# An operator counts by its family, so that `<` and `<=`, `++` and `+= 1` stay near each other.
ASSIGNING = frozenset(
    [
        "+=",
        "-=",
        "*=",
        "/=",
        "%=",
        "&=",
        "|=",
        "^=",
        "<<=",
        ">>=",
        ">>>=",
        "**=",
        "//=",
        ":=",
        "??=",
        "&&=",
        "||=",
    ]
)
