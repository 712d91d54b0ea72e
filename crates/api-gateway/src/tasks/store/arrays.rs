//! Statements over any number of rows: each column travels as one array parameter and `UNNEST` turns them into
//! rows. The text of such a statement never changes, so PostgreSQL plans it once per connection; diesel's own
//! batch inserts grow their text with the batch and are planned every time.

/// Declares a statement with one `Vec` per column.
///
/// The text is given in two parts: everything before `unnest(`, and after it; the first column is `$1` and so on. With
/// `returns`, the statement gives rows of that type.
macro_rules! array_statement {
    (
        $(#[$doc:meta])*
        $name:ident<$life:lifetime> { $($column:ident: $sql_type:ty => $rust_type:ty),+ $(,)? }
        before $before:expr; after $after:expr; returns $row:ty;
    ) => {
        $crate::tasks::store::arrays::array_statement! {
            $(#[$doc])*
            $name<$life> { $($column: $sql_type => $rust_type),+ }
            before $before; after $after;
        }

        impl diesel::query_builder::Query for $name<'_> {
            type SqlType = $row;
        }
    };
    (
        $(#[$doc:meta])*
        $name:ident<$life:lifetime> { $($column:ident: $sql_type:ty => $rust_type:ty),+ $(,)? }
        before $before:expr; after $after:expr;
    ) => {
        $(#[$doc])*
        #[derive(Default)]
        pub(crate) struct $name<$life> {
            $(pub(crate) $column: Vec<$rust_type>),+
        }

        impl diesel::query_builder::QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $name<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                out.push_sql($before);
                let mut separator = "unnest(";
                $(
                    out.push_sql(separator);
                    out.push_bind_param::<diesel::sql_types::Array<$sql_type>, _>(&self.$column)?;
                    separator = ", ";
                )+
                let _ = separator;
                out.push_sql(") ");
                out.push_sql($after);
                Ok(())
            }
        }

        impl<Conn> diesel::RunQueryDsl<Conn> for $name<'_> {}
    };
}

pub(crate) use array_statement;
