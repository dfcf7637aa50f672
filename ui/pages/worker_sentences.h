// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <QString>

namespace portolan::ui {

/// What is to be said of the worker of this process besides its figures: that it holds back because others use its
/// queue and what to do about it, tasks that others threw away, messages it did not run. Empty: nothing.
QString workerSentences(const WorkerFigures &worker);

} // namespace portolan::ui
