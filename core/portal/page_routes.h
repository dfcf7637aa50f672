// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/http/router.h"

namespace portolan::portal {

/// The portal's web page: `GET /` and `GET /dashboard` (Category::Default), its parts under `/static/` (never
/// limited). The files are compiled in from resources/portal.
class PageRoutes final
{
public:
    void mount(http::Router &router);
};

} // namespace portolan::portal
