// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/pages/page.h"

#include <span>
#include <vector>

namespace portolan::ui {

/// A page of the console. Another one is one entry in page_table.cpp.
struct PageEntry
{
    QString id;        ///< on the command line and in the settings
    const char *title; ///< to be translated in the context "pages"
    QString icon;
    std::vector<Resource> resources; ///< what it explains; its zone is the worst of theirs
    std::function<Page *(const PageContext &context, QWidget *parent)> make;
    bool needsStack = false; ///< it is of the portal of this machine, and not there without
};

const std::vector<PageEntry> &pageTable(); ///< in the order of the sidebar
QString pageTitle(const PageEntry &entry);
/// The page that explains a resource; empty when none does.
QString pageExplaining(Resource resource);

} // namespace portolan::ui
