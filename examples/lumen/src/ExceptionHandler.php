<?php

// Reports what an application should hear of; a page that does not exist is not among it.

declare(strict_types=1);

namespace App;

use Laravel\Lumen\Exceptions\Handler;
use Symfony\Component\HttpKernel\Exception\HttpException;

final class ExceptionHandler extends Handler
{
    /** @var list<class-string<\Throwable>> */
    protected $dontReport = [HttpException::class];
}
