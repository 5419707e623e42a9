// All statements of Redshift SQL, each a node of its own, and how they are classified. What a
// statement says is in its fields; noise words and the order of clauses are not kept.
#pragma once

#include "sql/ast/statement_access.h"
#include "sql/ast/statement_dml.h"
#include "sql/ast/statement_load.h"
#include "sql/ast/statement_object.h"
#include "sql/ast/statement_session.h"
#include "sql/ast/statement_show.h"
#include "sql/ast/statement_table.h"
